"""Pure decisions of the shipments room."""
