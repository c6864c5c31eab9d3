"""Loggers and gateways: what they write, how they send it, and what they do when they cannot."""
