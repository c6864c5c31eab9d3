"""Pure decisions about readings: what is a fault, where a wrong clock's readings belong."""
