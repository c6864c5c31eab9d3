"""Reads of the quota room."""
