"""What is handled: vaccines, presentations, storage classes, batches, and the codes printed on them."""
