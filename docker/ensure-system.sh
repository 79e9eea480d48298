#!/bin/sh
# Install from apt only what is missing of the browsers and servers that the tests drive.
set -eu

missing=""
need() { # need PACKAGE PROBE...
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}
have_file() { for path in "$@"; do [ -e "$path" ] && return 0; done; return 1; }

need chromium have_file /usr/bin/chromium
need firefox-esr have_file /usr/bin/firefox-esr
need redis-server command -v redis-server
need coturn command -v turnserver
need postgresql have_file /usr/lib/postgresql/*/bin/pg_ctl
need fonts-liberation have_file /usr/share/fonts/truetype/liberation*
need fonts-noto-color-emoji have_file /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf
[ -n "$missing" ] || exit 0

echo "==> system packages:$missing"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "This system has no apt. Install these by its own package manager, then try again:$missing" >&2
  exit 1
fi
sudo=""
if [ "$(id -u)" != 0 ]; then
  sudo=sudo
  command -v sudo >/dev/null 2>&1 || {
    echo "Neither root nor sudo. As root: apt-get install$missing" >&2
    exit 1
  }
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 - the list is meant to be split
if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt could not install:$missing" >&2
  exit 1
fi
