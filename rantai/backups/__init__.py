"""Backups of the database: made, followed to the last second, verified, and brought back."""
