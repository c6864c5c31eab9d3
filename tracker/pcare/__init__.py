"""What P-Care, the ministry's register of vaccinations, must be told: every dose, each correction, each that was not given."""
