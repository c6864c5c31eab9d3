"""Alarms: the list, the decisions, what each one caused."""
