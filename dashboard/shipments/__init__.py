"""What is on the road."""
