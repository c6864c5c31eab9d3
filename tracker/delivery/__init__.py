"""What leaves the house: messages to people, and signed webhooks to other systems. At least once, in order."""
