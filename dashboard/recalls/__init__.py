"""Calling a batch back: start, watch, close."""
