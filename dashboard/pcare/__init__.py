"""What P-Care was told, what it has and we have not, and the file for who has no line to it."""
