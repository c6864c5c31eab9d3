"""Use cases of the quota room.

Lock order: sessions by id, then the pool's anchor of the stock room (which also guards the pool's claims),
then nothing more. A booking is inserted under its session's lock and before the anchor, so that two
bookings of one person meet at the unique index while neither holds what the other waits for.
"""
