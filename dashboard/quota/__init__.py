"""Sessions and what may be booked."""
