"""Use cases: noting what is to be told, telling it, comparing, handing it over by file."""
