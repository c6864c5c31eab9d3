"""Where things are: areas (polygons), facilities (units with a point and a time zone), equipment (where stock lies)."""
