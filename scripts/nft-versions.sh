#!/bin/sh
# Prepares what `npm run test:nft-versions` needs in addition to scripts/setup.sh, and only what is missing: a Debian
# root for each suite. The tests run only nft in it, in a chroot. For Debian and Ubuntu, as root. Downloads about 60 MB
# and keeps 130 MB for each suite. A root does not change: to get a newer nft of the suite, delete its directory.
#   KPN_NFT_ROOTS   the directory for the roots
#   KPN_NFT_SUITES  the Debian suites, each with a newer nft than this machine's
set -eu

roots=${KPN_NFT_ROOTS:-/var/cache/kube-proxy-nft-tests}
suites=${KPN_NFT_SUITES:-trixie sid}
ticker=
unfinished=

say() { printf 'nft-versions: %s\n' "$*" >&2; }

clean_up() {
  if [ -n "$ticker" ]; then kill "$ticker" 2>/dev/null || true; fi
  if [ -n "$unfinished" ]; then rm -rf --one-file-system "$unfinished"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step TITLE LOG COMMAND...: runs COMMAND with its output in LOG. On a terminal, prints a dot every two seconds. If
# COMMAND fails, prints the end of the log and ends the script.
step() {
  title=$1
  log=$2
  shift 2
  started=$(date +%s)
  printf 'nft-versions: %s ...' "$title" >&2
  if [ -t 2 ]; then
    while sleep 2; do printf . >&2; done &
    ticker=$!
  fi
  status=0
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ -n "$ticker" ]; then kill "$ticker" 2>/dev/null || true; fi
  ticker=
  if [ "$status" -ne 0 ]; then
    printf ' failed (exit code %s)\n' "$status" >&2
    tail -n 20 "$log" | sed 's/^/  /' >&2
    say "all of its output is in $log"
    exit 1
  fi
  printf ' %s s\n' "$(($(date +%s) - started))" >&2
}

# debian-archive-keyring: without it, debootstrap does not check signatures, and continues.
ensure_debootstrap() {
  if command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then return; fi
  if ! command -v apt-get >/dev/null; then
    say 'please install debootstrap and the Debian archive keyring; this script knows apt-get only'
    exit 1
  fi
  step 'installing debootstrap' "$roots/apt.log" install_debootstrap
}

install_debootstrap() {
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends \
    debootstrap debian-archive-keyring
  "$@" || { apt-get -qq update && "$@"; }
}

# A root gets its name when it is complete, and an interrupted one is removed. `unshare`: the mounts that debootstrap
# makes in it disappear with debootstrap, however it ends.
ensure_root() {
  if [ -x "$roots/$1/usr/sbin/nft" ]; then return; fi
  unfinished=$roots/$1.unfinished
  rm -rf --one-file-system "$unfinished" "${roots:?}/$1"
  step "making $roots/$1, takes a minute or two" "$roots/$1.log" \
    unshare --mount debootstrap --variant=minbase --include=nftables "$1" "$unfinished"
  # Each of these is as large as nft and its libraries together, and is not needed here.
  rm -rf "$unfinished"/var/cache/apt/* "$unfinished"/var/lib/apt/lists/*
  mv "$unfinished" "$roots/$1"
  unfinished=
}

if [ "$(id -u)" -ne 0 ]; then
  say 'chroots and network namespaces need root: run this with sudo'
  exit 1
fi
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$roots"
# Only one at a time: two would create the same root.
exec 9>"$roots/lock"
flock 9
ensure_debootstrap
for suite in $suites; do ensure_root "$suite"; done
