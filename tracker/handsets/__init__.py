"""Phones of the store: each a book of steps, written there first, and what the house made of them."""
