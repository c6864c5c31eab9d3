"""Fridges and their curves."""
