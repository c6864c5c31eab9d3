#!/bin/sh
# Runs Mosquitto: `broker.sh CONFIGURATION STORE PASSWORDS`, as docker-compose.yml mounts it.
#
# - A new password file is read at once (SIGHUP). A SIGTERM reaches the broker, and this ends with it: without its
#   clean stop the last second of messages would be lost.
# - A store that cannot be read (cut off by a power cut, a full disk) would keep the broker down for ever. It is set
#   aside under another name, which is said, and the broker starts with an empty one.
# - A broker that is full lets nobody in, the ingester that would empty it neither. So each start with a store that may
#   fill its memory gives it as much again as the configuration says, at most four times that: sending a backlog out
#   takes more than keeping it. With a small store it gets what the configuration says.
set -u
configuration=$1 store=$2 passwords=$3

folder=$(mktemp -d)
spoilt=$folder/spoilt
broker='' ending=''
trap 'ending=1; [ -z "$broker" ] || kill -TERM "$broker" 2>/dev/null' TERM INT
trap 'rm -rf "$folder"' EXIT

# Passes on what the broker says, and remembers one sentence of it.
listen() {
  trap '' TERM INT
  while IFS= read -r line; do
    printf '%s\n' "$line" >&2
    case $line in *"Couldn't open database"*) : >"$spoilt" ;; esac
  done
}

reread() {
  seen=$(stat -c %i-%Y "$passwords")
  while sleep 2; do
    kill -0 "$1" 2>/dev/null || exit # who started this may be gone without a word
    found=$(stat -c %i-%Y "$passwords" 2>/dev/null) || continue
    if [ "$found" != "$seen" ]; then seen=$found; kill -HUP "$1" || exit; fi
  done
}

# Writes $folder/configuration; the bound of this start is kept beside the store.
make_room() {
  given=$(sed -n 's/^memory_limit *//p' "$configuration")
  limit=$given
  last=$(cat "$store.memory_limit" 2>/dev/null) || last=$given
  waiting=$(stat -c %s "$store" 2>/dev/null) || waiting=0
  # A message takes up to some ten times as much memory as room in the store.
  if [ -n "$given" ] && [ "$waiting" -gt $((last / 12)) ]; then
    limit=$((last + given))
    [ "$limit" -le $((given * 4)) ] || limit=$((given * 4))
    echo "The broker's store holds $waiting bytes: its memory is bounded by $limit instead of $given until it is empty" \
      "and the broker starts again." >&2
  fi
  echo "$limit" >"$store.memory_limit"
  sed "s/^memory_limit .*/memory_limit $limit/" "$configuration" >"$folder/configuration"
}

run() {
  make_room
  rm -f "$spoilt" "$folder/said"
  mkfifo "$folder/said"
  listen <"$folder/said" &
  listener=$!
  mosquitto -c "$folder/configuration" 2>"$folder/said" &
  broker=$!
  [ -z "$ending" ] || kill -TERM "$broker"
  reread "$broker" &
  reader=$!
  wait "$broker"; code=$?
  while kill -0 "$broker" 2>/dev/null; do wait "$broker"; code=$?; done
  broker=''
  kill "$reader" 2>/dev/null
  wait "$listener"
}

# At the first start the users are still being written: Mosquitto would end with an error.
[ -e "$passwords" ] || echo "The broker waits: no users are written yet ($passwords)." >&2
while [ ! -e "$passwords" ]; do
  [ -z "$ending" ] || exit 0
  sleep 1
done

run
if [ -z "$ending" ] && [ -e "$spoilt" ] && [ -e "$store" ]; then
  aside=$store.unreadable-$(date -u +%Y%m%dT%H%M%S)
  mv "$store" "$aside" || exit 1
  echo "The broker's store cannot be read and was set aside as $aside; it starts with an empty one. Devices send again" \
    "what was not confirmed; confirmed messages that the ingester had not fetched yet are lost." >&2
  run
fi
exit "$code"
