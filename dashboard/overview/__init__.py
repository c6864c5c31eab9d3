"""The first page after log-in."""
