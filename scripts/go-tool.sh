#!/bin/sh
# Gets a program that the tests run and that Debian does not package: go-tool.sh NAME PACKAGE@VERSION. Does nothing if
# NAME is installed. Otherwise Go builds it from its module into the directory below, where it stays.
#   KPN_TOOLS_ROOT   the directory
set -eu

name=$1
module=$2
folder=${KPN_TOOLS_ROOT:-/var/cache/kube-proxy-nft-tests/tools}
# The path contains the version, so a new version is built anew. NAME itself is a link to it.
built=$folder/$name-${module##*@}
ticker=

say() { printf '%s: %s\n' "$name" "$*" >&2; }

stop_ticker() {
  if [ -n "$ticker" ]; then kill "$ticker" 2>/dev/null || true; fi
  ticker=
}
trap stop_ticker EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if command -v "$name" >/dev/null; then exit 0; fi
PATH=$PATH:/usr/local/go/bin
if [ ! -x "$built" ]; then
  if ! command -v go >/dev/null; then
    say "please install $name, or Go, which builds it from $module"
    exit 1
  fi
  mkdir -p "$folder"
  # Only one at a time: two would build the same program.
  exec 9>"$folder/lock"
  flock 9
fi
if [ ! -x "$built" ]; then
  started=$(date +%s)
  printf '%s: building %s, takes some minutes ...' "$name" "$module" >&2
  if [ -t 2 ]; then
    while sleep 2; do printf . >&2; done &
    ticker=$!
  fi
  status=0
  mkdir -p "$folder/unfinished"
  GOBIN=$folder/unfinished go install -trimpath -ldflags='-s -w' "$module" >"$folder/$name.log" 2>&1 </dev/null || status=$?
  stop_ticker
  if [ "$status" -ne 0 ]; then
    printf ' failed (exit code %s)\n' "$status" >&2
    tail -n 20 "$folder/$name.log" | sed 's/^/  /' >&2
    say "all of its output is in $folder/$name.log"
    exit 1
  fi
  printf ' %s s\n' "$(($(date +%s) - started))" >&2
  mv "$folder/unfinished/$name" "$built"
fi
ln -sfn "$name-${module##*@}" "$folder/$name"
