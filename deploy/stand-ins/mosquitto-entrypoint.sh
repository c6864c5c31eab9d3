#!/bin/sh
# The folders belong to the broker, whoever mounted them; then what was asked for.
set -eu
if [ "$(id -u)" = 0 ] && [ -d /mosquitto ]; then chown -R mosquitto:mosquitto /mosquitto 2>/dev/null || true; fi
exec "$@"
