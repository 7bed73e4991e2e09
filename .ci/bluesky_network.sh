#!/bin/sh
# Installs what tests/network needs: a Bluesky network (npm), and the PostgreSQL and Redis its AppView stores in.
# Usage: .ci/bluesky_network.sh [folder]; the folder can be kept, a second run with it does nothing.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
wanted=$here/tests/network
folder=${1:-$here/build/bluesky_network}

command -v node > /dev/null || { echo "$0: Node 20 or later is needed; install it first" >&2; exit 1; }

# The AppView needs pg_trgm, which the PostgreSQL of the Python wheel does not have and Debian's brings along.
missing=
command -v redis-server > /dev/null || missing=redis-server
ls /usr/share/postgresql/*/extension/pg_trgm.control > /dev/null 2>&1 || missing="$missing postgresql"
if [ -n "$missing" ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

# What is installed bears the lock it was installed from, and the Node it was compiled for.
stamp=$(node --version; cat "$wanted/package.json" "$wanted/package-lock.json")
if [ "$stamp" != "$(cat "$folder/installed" 2> /dev/null)" ]; then
  mkdir -p "$folder"
  rm -f "$folder/installed"
  cp "$wanted/package.json" "$wanted/package-lock.json" "$folder"
  # SQLite's binding is compiled; where Node's headers are packaged, they need not be fetched.
  if [ -e /usr/include/node/node.h ]; then export npm_config_nodedir=/usr; fi
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
  printf '%s\n' "$stamp" > "$folder/installed"
fi
