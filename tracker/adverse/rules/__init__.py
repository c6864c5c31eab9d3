"""What this room decides, without a database."""
