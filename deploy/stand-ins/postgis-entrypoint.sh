#!/bin/sh
# Does at the first start what the image of PostgreSQL does: a cluster of POSTGRES_USER with POSTGRES_PASSWORD, the
# database POSTGRES_DB, then each file of /docker-entrypoint-initdb.d on a server that listens on its socket only.
set -eu
[ "${1:-postgres}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

first_start() {
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo "Error: Database is uninitialized and superuser password is not specified (POSTGRES_PASSWORD)." >&2
    exit 1
  fi
  secret=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >"$secret"
  initdb --username="$user" --pwfile="$secret" --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  rm -f "$secret"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  pg_ctl --wait --silent --options="-c listen_addresses=''" start
  [ "$database" = postgres ] || psql --quiet --username="$user" --dbname=postgres --command="CREATE DATABASE \"$database\""
  export POSTGRES_USER="$user" POSTGRES_DB="$database"
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) sh "$file" ;;
      *.sql) psql --quiet --set=ON_ERROR_STOP=1 --username="$user" --dbname="$database" --file="$file" ;;
    esac
  done
  pg_ctl --wait --silent --mode=fast stop
}

[ -s "$PGDATA/PG_VERSION" ] || first_start
exec "$@"
