"""Phones of the store, and what they did that a person must decide."""
