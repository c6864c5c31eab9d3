"""Pure decisions of the stock room: no I/O, no clock, no ORM."""
