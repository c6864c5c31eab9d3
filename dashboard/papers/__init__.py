"""What papers have in common: codes to scan, drawn as vectors."""
