"""Pure decisions of the cold chain: no I/O, no clock, no ORM. Instants are UTC microseconds (int)."""
