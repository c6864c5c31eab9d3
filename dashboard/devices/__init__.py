"""Devices: what they watch and watched, and how that is set right."""
