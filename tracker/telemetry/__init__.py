"""Devices, channels, dated assignments, and the one writer of readings."""
