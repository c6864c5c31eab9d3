"""Vaccination sessions and the places in them: every promise stands on vials that lie in a fridge."""
