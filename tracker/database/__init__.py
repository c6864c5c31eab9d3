"""Engine, unit of work, column types, naming convention, monthly partitions."""
