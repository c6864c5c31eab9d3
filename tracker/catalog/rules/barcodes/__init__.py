"""Codes printed on vials, boxes and pallets: text in, meaning out. Pure."""
