"""The persons to be vaccinated: NIK, residence, groups, contact."""
