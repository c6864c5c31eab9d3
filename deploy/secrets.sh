#!/bin/sh
# Says which secrets are missing before anything starts; with an empty one PostgreSQL would only start again and again.
set -u
missing=''
[ -n "${POSTGRES_PASSWORD-}" ] || missing="$missing POSTGRES_PASSWORD"
[ -n "${INGEST_PASSWORD-}" ] || missing="$missing INGEST_PASSWORD"
[ -n "${RANTAI_SECRET_KEY-}" ] || missing="$missing RANTAI_SECRET_KEY"
if [ -n "$missing" ]; then
  echo "Not set:$missing. Copy deploy/example.env to .env beside docker-compose.yml, give each of them a value of its own" \
    "(openssl rand -hex 24), then run docker compose up again." >&2
  exit 2
fi
if [ "${#RANTAI_SECRET_KEY}" -lt 32 ]; then
  echo "RANTAI_SECRET_KEY has fewer than 32 signs; openssl rand -hex 24 gives 48." >&2
  exit 2
fi
