#!/bin/sh
# Installs what tests/email needs: axe-core and the caniemail data (npm), and SpamAssassin with its local rules.
# Usage: .ci/mail_tools.sh [folder]; the folder can be kept, a second run with it does nothing.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
wanted=$here/tests/email
folder=${1:-$here/build/mail_tools}

command -v node > /dev/null || { echo "$0: Node 20 or later is needed; install it first" >&2; exit 1; }

if ! command -v spamassassin > /dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends spamassassin >/dev/null
fi

if ! cmp -s "$wanted/package-lock.json" "$folder/installed"; then
  mkdir -p "$folder"
  rm -f "$folder/installed"
  cp "$wanted/package.json" "$wanted/package-lock.json" "$folder"
  # caniemail names Node 22; nothing that is used of it needs more than 20.
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
  cp "$wanted/package-lock.json" "$folder/installed"
fi
