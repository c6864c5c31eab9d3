#!/usr/bin/env bash
# Makes a fresh machine ready: `setup.sh demo` (servers and the programs), `setup.sh tests` (adds Chromium and the tools
# of development) or `setup.sh tools` (Python and those tools only: enough to judge and to run what starts no server).
# Installs with apt what is missing (Debian, Ubuntu; as root or with sudo without a password), then makes the
# virtual environment .venv from the locked, hashed requirements. A second run finds everything and takes no time.
# Where nothing can be installed, a Docker engine is enough for the tests: they take containers.
# Bash 3.2 and the tools of macOS run this, too.
set -euo pipefail

readonly PURPOSE="${1:-demo}"
case "$PURPOSE" in
  demo | tests | tools) ;;
  *) printf 'rantai: setup.sh takes demo, tests or tools, not %s\n' "$PURPOSE" >&2; exit 2 ;;
esac
readonly OLDEST_PYTHON="(3, 11)"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly CHECKOUT="$PWD"

say() { printf '  %s\n' "$*" >&2; }
stop() { printf 'rantai: %s\n' "$*" >&2; exit 3; }

# ---------------------------------------------------------------- what is here

find_python() {
  local candidate
  # The plain name first: what the machine calls python3 is what its packages are built for.
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < $OLDEST_PYTHON)" 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

newest_postgres() {
  local server major newest=0
  for server in /usr/lib/postgresql/*/bin/initdb; do
    [ -x "$server" ] || continue
    major="${server#/usr/lib/postgresql/}"; major="${major%%/*}"
    [ "$major" -gt "$newest" ] && newest="$major"
  done
  [ "$newest" -ge 14 ] && printf '%s' "$newest"
}

has_postgis() { [ -f "/usr/share/postgresql/$1/extension/postgis.control" ]; }
# Homebrew keeps a version off PATH; where the programs look for it, see rantai/local/system.py.
has_initdb() {
  local server
  command -v initdb >/dev/null && return 0
  for server in /opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb \
    /Applications/Postgres.app/Contents/Versions/*/bin/initdb /usr/pgsql-*/bin/initdb; do
    if [ -x "$server" ]; then return 0; fi
  done
  return 1
}
has_mosquitto() {
  command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || [ -x /usr/local/sbin/mosquitto ] || [ -x /opt/homebrew/sbin/mosquitto ]
}
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }
has_docker() {
  command -v docker >/dev/null || return 1
  if command -v timeout >/dev/null; then timeout 5 docker info >/dev/null 2>&1; else docker info >/dev/null 2>&1; fi
}

missing_packages() {
  local major
  find_python >/dev/null || echo "python3-venv"
  if [ "$PURPOSE" = tools ]; then return 0; fi
  if major="$(newest_postgres)"; then
    has_postgis "$major" || echo "postgresql-$major-postgis-3"
  elif ! has_initdb; then
    echo "postgresql"
  fi
  has_mosquitto || echo "mosquitto"
  if [ "$PURPOSE" = tests ] && ! has_chromium; then echo "chromium"; fi
}

# ---------------------------------------------------------------- apt

can_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "$@"
}

# Packages of servers start them and make clusters of their own. We want the programs only, so both are told not
# to while we install, and what we told them is taken back afterwards. Servers that were here before stay as they are.
readonly CLUSTER_RULE=/etc/postgresql-common/createcluster.d/rantai-setup.conf
readonly START_RULE=/usr/sbin/policy-rc.d
placed_start_rule=no

forbid_system_servers() {
  as_root mkdir -p "$(dirname "$CLUSTER_RULE")"
  echo "create_main_cluster = false" | as_root tee "$CLUSTER_RULE" >/dev/null
  if [ ! -e "$START_RULE" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$START_RULE" >/dev/null
    as_root chmod 755 "$START_RULE"
    placed_start_rule=yes
  fi
  trap allow_system_servers EXIT
}

allow_system_servers() {
  as_root rm -f "$CLUSTER_RULE"
  if [ "$placed_start_rule" = yes ]; then as_root rm -f "$START_RULE"; placed_start_rule=no; fi
  trap - EXIT
}

chromium_is_a_snap() { apt-cache show chromium 2>/dev/null | grep -qi 'transitional\|snap'; }

# Nobody may install here: go on without what can be missed, or say what to install.
do_without() {
  local -a needed=()
  local package docker=no
  if [ "$PURPOSE" != tools ] && has_docker; then docker=yes; fi
  for package in "$@"; do
    case "$package" in
      python3-venv) needed+=("$package") ;;
      chromium) say "Chromium is not installed; browser tests will be skipped." ;;
      *) if [ "$PURPOSE" != tests ] || [ "$docker" = no ]; then needed+=("$package"); fi ;;
    esac
  done
  if [ "${#needed[@]}" -eq 0 ]; then
    if [ "$docker" = yes ]; then say "No servers are installed; the tests take containers, since a Docker engine answers."; fi
    return 0
  fi
  if [ "$PURPOSE" = demo ] && [ "$docker" = yes ]; then
    say "make demo runs servers of this machine. With Docker alone take the other door: docker compose up, as README.md says."
  fi
  if command -v apt-get >/dev/null; then
    stop "these packages are needed and only root can install them: run \`sudo apt-get install ${needed[*]}\`, then try again."
  fi
  if [ "${needed[*]}" = python3-venv ]; then
    stop "please install Python 3.11 or newer with its venv module, then try again."
  fi
  stop "please install Python 3.11 or newer, PostgreSQL 14 or newer with PostGIS, and Mosquitto (macOS: brew install python postgresql@16 postgis mosquitto), then try again."
}

install_missing() {
  local -a wanted=() servers=()
  local package major new_broker=no
  while IFS= read -r package; do wanted+=("$package"); done < <(missing_packages)
  [ "${#wanted[@]}" -gt 0 ] || return 0
  say "Missing on this machine: ${wanted[*]}"
  if ! can_install; then do_without "${wanted[@]}"; return 0; fi

  say "Asking apt for its lists …"
  as_root apt-get -qq -o DPkg::Lock::Timeout=300 update || say "apt could not refresh all its lists; trying with what it has."
  for package in "${wanted[@]}"; do
    case "$package" in
      python3-venv) say "Installing Python's venv …"; apt_install python3-venv || true; python_from_apt ;;
      chromium)
        if chromium_is_a_snap; then
          say "Chromium is a snap here and cannot be installed by apt; browser tests will be skipped."
        else
          say "Installing Chromium for the browser tests (some 100 MB) …"
          apt_install chromium fonts-dejavu-core || say "Chromium could not be installed; browser tests will be skipped."
        fi ;;
      mosquitto) servers+=(mosquitto); new_broker=yes ;;
      *) servers+=("$package") ;;
    esac
  done
  if [ "${#servers[@]}" -gt 0 ]; then
    say "Installing ${servers[*]} (some 100 MB; programs only, no server of the system is started) …"
    forbid_system_servers
    apt_install "${servers[@]}" || stop "apt could not install ${servers[*]}; its words are above."
    major="$(newest_postgres)" || stop "apt brought no PostgreSQL 14 or newer."
    has_postgis "$major" || apt_install "postgresql-$major-postgis-3" ||
      stop "apt has no PostGIS for PostgreSQL $major (package postgresql-$major-postgis-3)."
    allow_system_servers
    # The package enables its own broker for the next boot; it came only because of us.
    if [ "$new_broker" = yes ] && [ -d /run/systemd/system ]; then
      as_root systemctl disable --quiet mosquitto.service || true
    fi
  fi
}

# Where the machine's own Python is older than we need (Ubuntu 22.04), take a newer one beside it.
python_from_apt() {
  local version
  find_python >/dev/null && return 0
  for version in 3.13 3.12 3.11; do
    if apt-cache show "python$version-venv" >/dev/null 2>&1; then
      apt_install "python$version-venv" && return 0
    fi
  done
  stop "no Python 3.11 or newer with venv could be installed."
}

# ---------------------------------------------------------------- the virtual environment

venv_is_sound() {
  [ -x .venv/bin/python ] && .venv/bin/python - "$CHECKOUT/.venv" <<'PYTHON' 2>/dev/null
import os, sys
sys.exit(sys.version_info < (3, 11) or not os.path.samefile(sys.prefix, sys.argv[1]))
PYTHON
}

stamp_of() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

install_requirements() {
  local lock=requirements.lock
  [ "$PURPOSE" = demo ] || lock=requirements-dev.lock
  local stamp=".venv/.$lock.sha256"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(stamp_of "$lock")" ]; then return 0; fi
  say "Installing the Python packages of $lock (checked by hash; a minute or two on first use) …"
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes \
    --requirement "$lock" | awk '!/^(Requirement already satisfied|Ignoring )/ { print "    " $0; fflush() }' >&2 || stop "pip could not install the Python packages; its words are above."
  stamp_of "$lock" >"$stamp"
  # The list of development holds the other one too.
  if [ "$PURPOSE" != demo ]; then stamp_of requirements.lock >.venv/.requirements.lock.sha256; fi
}

# What checks the pages' scripts and what the browser tests ask about access for all comes from npm, which itself
# comes with the Python packages. No Node of the machine is needed.
install_node_packages() {
  local lock=package-lock.json stamp=node_modules/.package-lock.sha256
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(stamp_of "$lock")" ]; then return 0; fi
  say "Installing the npm packages of $lock (checked by hash) …"
  PATH="$PWD/.venv/bin:$PATH" npm ci --loglevel=error >/dev/null || stop "npm could not install its packages; its words are above."
  stamp_of "$lock" >"$stamp"
}

# The checkout itself: a path file and a starter instead of `pip install -e`, which would fetch a build
# back-end that no hash pins.
link_checkout() {
  local site
  site="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  [ "$(cat "$site/rantai_checkout.pth" 2>/dev/null)" = "$CHECKOUT" ] || echo "$CHECKOUT" >"$site/rantai_checkout.pth"
  if [ ! -x .venv/bin/rantai ]; then
    printf '#!%s\nimport sys\n\nfrom rantai.cli import main\n\nsys.exit(main())\n' "$CHECKOUT/.venv/bin/python" >.venv/bin/rantai
    chmod 755 .venv/bin/rantai
  fi
}

make_venv() {
  local python
  if ! venv_is_sound; then
    python="$(find_python)" || stop "Python 3.11 or newer with its venv module is needed."
    say "Making the virtual environment .venv with $("$python" --version) …"
    "$python" -m venv --clear .venv || stop "the virtual environment could not be made; its words are above."
  fi
  install_requirements
  link_checkout
  if [ "$PURPOSE" != demo ]; then install_node_packages; fi
}

main() {
  mkdir -p .rantai
  chmod 711 .rantai
  # Two `make` at once would install over one another.
  if command -v flock >/dev/null; then exec 9>.rantai/setup.lock; flock 9; fi
  install_missing
  make_venv
}

# Sourced by its test, which puts other programs in the place of apt.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main; fi
