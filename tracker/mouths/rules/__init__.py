"""How each medium writes: signatures, deliveries, screens. Pure."""
