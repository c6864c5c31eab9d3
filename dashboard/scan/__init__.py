"""Looking up codes with a phone."""
