"""Stock of facilities as several pages show it."""
