#!/bin/sh
# Prepares what `npm run test:view` needs in addition to scripts/setup.sh, and only what is missing: Debian's Chromium,
# and a font. For Debian, as root. Downloads about 90 MB.
set -eu

log=dist/test-view.log

say() { printf 'test-view: %s\n' "$*" >&2; }

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
  "$@" || { apt-get -qq update && "$@"; }
}

cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
  say 'network namespaces need root: run this with sudo'
  exit 1
fi
if command -v chromium >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  say 'please install what Debian calls chromium and fonts-dejavu-core; this script knows apt-get only'
  exit 1
fi
mkdir -p dist
say 'installing chromium ...'
if ! install_packages chromium fonts-dejavu-core >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" | sed 's/^/  /' >&2
  say "all of its output is in $log"
  exit 1
fi
