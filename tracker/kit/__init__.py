"""Business-free tools: clock, identifiers, the root of all domain errors. Standard library only."""
