"""Adverse events after a dose (KIPI): what somebody had, how it went, and who looked into it."""
