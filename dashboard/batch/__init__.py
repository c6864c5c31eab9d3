"""A batch: where it went, what it went through."""
