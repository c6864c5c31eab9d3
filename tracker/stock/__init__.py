"""The ledger of vials, what may still be promised from it, FEFO, counts, open vials."""
