"""Use cases of the shipments room."""
