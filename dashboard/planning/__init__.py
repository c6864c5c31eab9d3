"""The week of a facility: its sessions, and planning them."""
