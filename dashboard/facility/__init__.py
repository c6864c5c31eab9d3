"""One facility."""
