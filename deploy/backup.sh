#!/bin/sh
# Backups in containers: docker-compose.yml runs this in the database's own image, where its tools are and `rantai` is not.
#   follow           takes the write-ahead log as it is written, until stopped
#   make [NUMBER]    copies the whole database, verifies the copy, lets go all but the newest NUMBER (7)
#   restore [UNTIL]  brings the database back, to the last row or to an instant; what was there before is kept beside
# The folder is the one that `rantai backup` makes and `rantai backup list` reads. Why these tools: docs/adr/0023.
set -eu
umask 077
readonly FOLDER=/backups SLOT=rantai_backup
export PGHOST=/var/run/postgresql PGUSER=rantai

say() { echo "$*" >&2; }
stop() { say "backup: $*"; exit 1; }

# A folder holds one unbroken line of one database.
prepare() {
  told=$(psql --no-psqlrc --tuples-only --no-align --command=IDENTIFY_SYSTEM 'replication=true') ||
    stop "the database does not answer; its words are above."
  line=$(echo "$told" | sed 's/^\([0-9]*\)|\([0-9]*\)|.*/database \1 on time line \2/')
  mkdir -p "$FOLDER/base" "$FOLDER/wal"
  [ -s "$FOLDER/line" ] || echo "$line" >"$FOLDER/line"
  [ "$(cat "$FOLDER/line")" = "$line" ] ||
    stop "the folder holds backups of $(cat "$FOLDER/line"), and this is $line: another database, or one that was restored since. Take a new folder."
}

copies() { for copy in "$FOLDER"/base/2*Z; do if [ -e "$copy/backup_manifest" ]; then echo "$copy"; fi; done; }

follow() {
  prepare
  # A new folder begins with a new slot: it needs nothing old.
  if [ -z "$(ls "$FOLDER/wal")" ]; then pg_receivewal --slot="$SLOT" --drop-slot 2>/dev/null || true; fi
  pg_receivewal --slot="$SLOT" --create-slot --if-not-exists
  exec pg_receivewal --directory="$FOLDER/wal" --slot="$SLOT" --synchronous --no-loop --no-password
}

make() {
  case "$1" in '' | *[!0-9]* | 0) stop "how many copies stay is a number from 1 on, not $1." ;; esac
  prepare
  exec 9>"$FOLDER/lock"
  flock --nonblock 9 || stop "another copy is being made; wait for it."
  making=$FOLDER/base/making
  rm -rf "$making"
  pg_basebackup --pgdata="$making" --wal-method=stream --checkpoint=fast --manifest-checksums=SHA256 --no-password
  # Only from here on can one return to an instant.
  complete=$(date -u +%Y%m%dT%H%M%S.%6NZ)
  pg_verifybackup --quiet "$making"
  mv "$making" "$FOLDER/base/$complete"
  echo "The backup $complete is made and verified."
  keep "$1"
  taken=$(psql --no-psqlrc --tuples-only --no-align --dbname=rantai --command="SELECT active FROM pg_replication_slots WHERE slot_name = '$SLOT'")
  [ "$taken" = t ] || stop "the copy is whole, but nobody takes the log: you can return to the end of this copy only, until the service backup runs."
}

keep() {
  copies | sort | head -n "-$1" | while read -r old; do
    # Renamed first: one that is half removed must not look like a backup.
    mv "$old" "$FOLDER/base/making"
    rm -rf "$FOLDER/base/making"
    say "removed the backup ${old##*/}"
  done
  oldest=$(copies | sort | head -n 1)
  first=$(sed -n 's/^START WAL LOCATION: .*file \([0-9A-F]*\).*/\1/p' "$oldest/backup_label")
  pg_archivecleanup "$FOLDER/wal" "$first"
}

# The copy to begin from: the newest, or the newest that was complete at the stamp.
begin_from() {
  copies | sort | while read -r copy; do
    if [ -z "$1" ] || [ ! "${copy##*/}" \> "$1" ]; then echo "$copy"; fi
  done | tail -n 1
}

restore() {
  until=$1 stamp='' now=$(date -u +%Y%m%dT%H%M%SZ)
  if [ -n "$until" ]; then
    case "$until" in
      *T*[+-][0-9][0-9]:[0-9][0-9] | *T*Z) ;;
      *) stop "$until is no instant with its zone; write it like 2026-11-27T10:00+07:00." ;;
    esac
    stamp=$(date -u --date="$until" +%Y%m%dT%H%M%S.%6NZ) || stop "$until is no time."
    # As the server reads it.
    until=$(date -u --date="$until" '+%Y-%m-%d %H:%M:%S.%6N+00')
  fi
  if pg_isready --quiet || [ $? -ne 2 ]; then stop "the database runs: docker compose stop, then again."; fi
  base=$(begin_from "$stamp")
  [ -n "$base" ] || stop "there is no backup${until:+ that was complete at $until} in the folder."
  kept=''
  if [ -n "$(ls -A "$PGDATA")" ]; then
    kept=$FOLDER/replaced-$now
    say "keeping the database that is there in $kept"
    cp -a "$PGDATA" "$kept"
  fi
  trap put_back EXIT
  say "restoring from the backup ${base##*/}"
  empty
  cp -a "$base/." "$PGDATA"
  replay
  trap - EXIT
  mkdir "$FOLDER/until-$now"
  mv "$FOLDER/base" "$FOLDER/wal" "$FOLDER/line" "$FOLDER/until-$now"
  say "The backups of the line that ends here lie in $FOLDER/until-$now. Next: docker compose up --detach, rantai db check, rantai check, a new backup."
}

empty() { find "$PGDATA" -mindepth 1 -delete; }

put_back() {
  empty
  if [ -n "$kept" ]; then
    cp -a "$kept/." "$PGDATA" && rm -rf "$kept"
    say "The database of before is back in its place."
  fi
}

not_replayed() {
  grep -E 'FATAL|PANIC|invalid' "$beside/said" >&2 || tail -n 5 "$beside/said" >&2
  stop "the log could not be replayed; the server's words are above."
}

# A server that nobody else can reach replays the log, says what its last row is, and ends.
replay() {
  beside=$(mktemp -d)
  echo 'local all all trust' >"$beside/hba"
  : >"$beside/ident"
  cat >"$beside/postgresql.conf" <<SETTINGS
hba_file = '$beside/hba'
ident_file = '$beside/ident'
listen_addresses = ''
unix_socket_directories = '$beside'
hot_standby = off
restore_command = 'cp $FOLDER/wal/%f %p || cp $FOLDER/wal/%f.partial %p'
recovery_target_action = promote
log_error_verbosity = terse
log_min_error_statement = panic
${until:+recovery_target_time = '$until'}
SETTINGS
  touch "$PGDATA/recovery.signal"
  chmod 700 "$PGDATA"
  # Nobody is let in until the log is replayed; a server that cannot do it ends.
  pg_ctl --wait --silent --log="$beside/said" --options="-c config_file=$beside/postgresql.conf" start || not_replayed
  until pg_isready --quiet --host="$beside"; do
    pg_ctl status >/dev/null || not_replayed
    sleep 0.5
  done
  echo "The database is restored. The last it knows:"
  PGHOST=$beside psql --no-psqlrc --tuples-only --no-align --dbname=rantai --command="SELECT '  feed event ' || position || ', which the house learnt at ' || recorded_at FROM feed_event ORDER BY position DESC LIMIT 1"
  pg_ctl --wait --timeout=86400 --silent --mode=fast stop
  rm -rf "$beside"
}

case "${1-}" in
  follow) follow ;;
  make) make "${2-7}" ;;
  restore) restore "${2-}" ;;
  *) stop "say follow, make [NUMBER] or restore [UNTIL], not ${1:-nothing}." ;;
esac
