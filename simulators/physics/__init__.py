"""Heat, power and doors: what the air in a fridge does, whoever may be measuring it."""
