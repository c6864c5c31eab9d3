"""What is kept how long, and what went."""
