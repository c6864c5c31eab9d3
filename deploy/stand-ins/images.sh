#!/usr/bin/env bash
# `images.sh`: has every image that docker-compose.yml and the Dockerfile name, then builds the house's own.
# What is here is taken, what can be pulled is pulled; on a machine without a registry stand-ins are built from Debian's
# packages (debootstrap, as root). They have the images' names, paths, users, entry points and variables, but the
# versions of the Debian release: they are for trying and testing, not for a house that serves people.
# A pip.conf and a certificate authority of this machine reach pip in the build and nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly HERE=deploy/stand-ins RELEASE=bookworm DEBIAN=rantai-stand-in/debian:bookworm
readonly PYTHON="${PYTHON:-.venv/bin/python}"

say() { printf '  %s\n' "$*" >&2; }
stop() { printf 'rantai: %s\n' "$*" >&2; exit 3; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }
is_here() { docker image inspect "$1" >/dev/null 2>&1; }

house() { sed -n 's/^  image: *//p' docker-compose.yml; }

named() {
  { sed -n 's/^    image: *//p' docker-compose.yml; sed -n 's/^ARG [A-Z_]*=//p; s/^FROM \([^ $]*\).*/\1/p' Dockerfile; } | grep . | sort -u
}

debian() {
  is_here "$DEBIAN" && return 0
  command -v debootstrap >/dev/null || as_root apt-get install -qq -y --no-install-recommends debootstrap >/dev/null ||
    stop "stand-ins need debootstrap, and only root can install it: run \`sudo apt-get install debootstrap\`, then try again."
  say "Making Debian $RELEASE with debootstrap (a minute or two) …"
  as_root debootstrap --variant=minbase --include=ca-certificates "$RELEASE" "$folder/debian" >"$folder/said" 2>&1 ||
    { tail -5 "$folder/said" >&2; stop "debootstrap could not make Debian $RELEASE; its words are above."; }
  as_root tar -C "$folder/debian" -c . | docker import - "$DEBIAN" >/dev/null
}

recipe_of() {
  case "$1" in
    postgis/postgis:*) echo "$HERE/postgis.Dockerfile" ;;
    eclipse-mosquitto:*) echo "$HERE/mosquitto.Dockerfile" ;;
    python:*) echo "$HERE/python.Dockerfile" ;;
    *) return 1 ;;
  esac
}

stand_in() {
  local recipe
  recipe="$(recipe_of "$1")" || stop "there is no stand-in for $1; it must be pulled."
  debian
  say "Building a stand-in for $1 …"
  docker build --quiet --label rantai.stand-in=true --tag "$1" --file "$recipe" "$HERE" >/dev/null
}

have() {
  if is_here "$1"; then return 0; fi
  if docker pull --quiet "$1" >/dev/null 2>"$folder/said"; then say "Pulled $1."; return 0; fi
  say "$1 cannot be pulled: $(tail -1 "$folder/said")"
  stand_in "$1"
}

# What this machine tells pip that is true in a container, too: no paths and no indexes in files.
pip_of_this_machine() {
  echo '[global]'
  "$PYTHON" -m pip config list 2>/dev/null | grep -v 'file:' |
    sed -nE "s/^(global|install|:env:)\.(index-url|extra-index-url|trusted-host|proxy)='(.*)'\$/\2 = \3/p" | sort -u
}

certificates_of_this_machine() {
  local told
  told="$("$PYTHON" -m pip config list 2>/dev/null | sed -nE "s/^.*\.cert='(.*)'\$/\1/p" | tail -1)"
  if [ -z "$told" ] && ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then told=/etc/ssl/certs/ca-certificates.crt; fi
  if [ -f "$told" ]; then cat "$told"; fi
}

build_base() {
  local base="$1" context="$folder/base"
  mkdir -p "$context"
  cp "$HERE/build-base.Dockerfile" "$context/Dockerfile"
  pip_of_this_machine >"$context/pip.conf"
  certificates_of_this_machine >"$context/pip.crt"
  if [ -s "$context/pip.crt" ]; then echo "cert = /etc/ssl/this-machine/pip.crt" >>"$context/pip.conf"; fi
  docker build --quiet --build-arg "BASE=$base" --tag rantai-stand-in/build-base:latest "$context" >/dev/null
}

# `main FOLDER`: the code to build from, which is this checkout unless told otherwise.
main() {
  folder="$(mktemp -d)"
  trap 'as_root rm -rf "$folder"' EXIT
  docker info >/dev/null 2>&1 || stop "no Docker engine answers; start one, then try again (\`make test-containers\` starts one where root may)."
  local image
  while read -r image; do have "$image"; done < <(named)
  build_base "$(sed -n 's/^ARG BUILD_BASE=//p' Dockerfile)"
  say "Building ${HOUSE:-$(house)} …"
  docker build --quiet --build-arg BUILD_BASE=rantai-stand-in/build-base:latest --tag "${HOUSE:-$(house)}" --file Dockerfile "${1:-.}" >/dev/null
}

# Sourced by its test.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
