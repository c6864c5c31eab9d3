"""The catalogue as people read it and put it right: products, lots, lots one could take for another, the schedule."""
