"""Reads of the stock room."""
