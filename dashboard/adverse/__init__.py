"""Adverse events after a dose (KIPI): telling one, the list, and one with what was done about it."""
