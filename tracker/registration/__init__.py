"""Tickets and one conversation with many mouths: how a citizen's booking begins and how it is shown at the door."""
