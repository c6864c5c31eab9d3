"""What every room's HTTP routes stand on: one transaction a request, the caller, pages, idempotency.

The room lies above `access` and below all rooms that have routes; `api` at the top assembles them.
"""
