"""Assembly of the rooms' routes, problem details, paging, idempotency, live events."""
