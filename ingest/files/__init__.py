"""Exports of temperature loggers: reading, judging and importing them."""
