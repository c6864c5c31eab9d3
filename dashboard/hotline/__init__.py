"""The hotline: a call from its first word to its outcome, and the log."""
