"""Reads across rooms for pages; every one starts from what the principal may see."""
