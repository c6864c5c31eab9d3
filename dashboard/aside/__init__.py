"""Events that a reaction could not handle: seen, and tried again."""
