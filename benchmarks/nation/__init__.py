"""A nation as wide as Indonesia, to measure pages and lists on."""
