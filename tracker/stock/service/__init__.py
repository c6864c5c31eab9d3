"""Use cases of the stock room."""
