"""Measurements against a bare limit in the same run; see README.md for what bounds each."""
