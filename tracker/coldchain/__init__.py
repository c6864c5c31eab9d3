"""Limits, episodes, alarms, hourly thermal aggregates."""
