"""Decisions: no database, no web, no clock."""
