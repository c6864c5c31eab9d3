"""Reads of the shipments room."""
