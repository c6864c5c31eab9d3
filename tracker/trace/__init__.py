"""Where a batch went, how it came here, and calling it back; the ledger as EPCIS 2.0 events."""
