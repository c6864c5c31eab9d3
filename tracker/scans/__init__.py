"""What a scanned text is, whatever it was printed on, and whether what one holds may be used here."""
