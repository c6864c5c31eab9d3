#!/usr/bin/env bash
# `make test-containers`: what `make test` may leave to private servers, on containers. It runs
#   1. tests/ingest (the kill tests with it), tests/db and tests/api on testcontainers
#   2. tests/containers: docker-compose.yml brought up from the version before; log-in, story, messages; each service
#      killed and back; down and up with the data kept; commands inside; a first account by hand; backups, back to an
#      instant and to the last row; empty secrets
# CONTAINER_TESTS and COMPOSE_TESTS name other tests for 1 and 2. What fails in 1 does not keep 2 from being run.
# An engine that answers is taken; else, as root on Debian or Ubuntu, docker.io is installed and an engine of our own runs
# until the end, with its socket in a folder of its own. Images are pulled, or stand-ins built (images.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"

say() { printf '  %s\n' "$*" >&2; }
stop() { printf 'rantai: %s\n' "$*" >&2; exit 3; }

needs() {
  command -v "$1" >/dev/null && return 0
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || stop "$1 is missing; install it (Debian: $2), then try again."
  say "Installing $2 …"
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$2" >/dev/null ||
    stop "apt could not install $2; its words are above."
}

folder="$(mktemp -d)"
engine=''

end() {
  if [ -n "$engine" ]; then
    # Nobody else uses this engine; of a run that was killed containers are left.
    docker container ls --all --quiet --filter=label=org.testcontainers | xargs -r docker rm --force --volumes >/dev/null || true
    kill "$engine" && wait "$engine" || true
    umount "$folder"/run/netns/* 2>/dev/null || true
  fi
  rm -rf "$folder" || true
}
trap end EXIT

start_engine() {
  [ "$(id -u)" -eq 0 ] || stop "no Docker engine answers, and only root can start one: start Docker, then try again."
  needs dockerd docker.io
  export DOCKER_HOST="unix://$folder/docker.sock"
  # Its images stay for the next time; `rm -r /var/lib/rantai-docker` forgets them.
  dockerd --host "$DOCKER_HOST" --data-root /var/lib/rantai-docker --exec-root "$folder/run" --pidfile "$folder/pid" >"$folder/dockerd.log" 2>&1 &
  engine=$!
  # Whatever else this machine looks like: the engine's ports are its own.
  export TESTCONTAINERS_CONNECTION_MODE=docker_host TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 "$engine" 2>/dev/null || break
    sleep 1
  done
  tail -5 "$folder/dockerd.log" >&2
  stop "the Docker engine does not start; its words are above."
}

needs docker docker.io
docker info >/dev/null 2>&1 || start_engine
docker compose version >/dev/null 2>&1 || needs docker-compose docker-compose
bash deploy/stand-ins/images.sh

if ! docker image inspect testcontainers/ryuk:0.8.1 >/dev/null 2>&1 && ! docker pull --quiet testcontainers/ryuk:0.8.1 >/dev/null 2>&1; then
  say "Without ryuk, which cannot be pulled: a run that is killed leaves its containers (label org.testcontainers)."
  export TESTCONTAINERS_RYUK_DISABLED=true
fi
export RANTAI_TEST_SERVICES=docker
failed=0
.venv/bin/pytest -n "${WORKERS:-2}" --dist=loadfile ${CONTAINER_TESTS:-tests/ingest tests/db tests/api} || failed=1
.venv/bin/pytest -n 0 -m containers ${COMPOSE_TESTS:-tests/containers} || failed=1
exit "$failed"
