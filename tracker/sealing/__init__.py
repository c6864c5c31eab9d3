"""The secret keys of the house: which are held, which is in use, and how one is replaced by another."""
