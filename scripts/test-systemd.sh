#!/bin/sh
# Prepares what `npm run test:systemd` needs in addition to scripts/setup.sh, and only what is missing: the root of a
# Debian system with systemd, and systemd-nspawn. Each test boots a temporary copy of the root in a container. For
# Debian and Ubuntu, as root. Downloads about 90 MB and keeps 300 MB. To get newer packages, delete the directory.
#   KPN_SYSTEMD_ROOT   the directory for both
#   KPN_SYSTEMD_SUITE  the Debian suite
set -eu

folder=${KPN_SYSTEMD_ROOT:-/var/cache/kube-proxy-nft-tests/systemd}
suite=${KPN_SYSTEMD_SUITE:-bookworm}
packages=systemd,systemd-sysv,dbus,nftables,conntrack,iproute2,curl,ca-certificates,procps
ticker=
unfinished=

say() { printf 'test-systemd: %s\n' "$*" >&2; }

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
  printf 'test-systemd: %s ...' "$title" >&2
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
ensure_packages() {
  set --
  if ! command -v debootstrap >/dev/null; then set -- debootstrap; fi
  if [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then set -- "$@" debian-archive-keyring; fi
  if [ $# -eq 0 ]; then return; fi
  if ! command -v apt-get >/dev/null; then
    say "please install what Debian calls $*; this script knows apt-get only"
    exit 1
  fi
  step "installing $*" "$folder/apt.log" install_packages "$@"
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
  "$@" || { apt-get -qq update && "$@"; }
}

# A root gets its name when it is complete, and an interrupted one is removed. `unshare`: the mounts that debootstrap
# makes in it disappear with debootstrap, however it ends.
ensure_root() {
  if [ -x "$folder/$suite/lib/systemd/systemd" ]; then return; fi
  unfinished=$folder/$suite.unfinished
  rm -rf --one-file-system "$unfinished" "${folder:?}/$suite"
  step "making $folder/$suite, takes a minute or two" "$folder/debootstrap.log" \
    unshare --mount debootstrap --variant=minbase --include="$packages" "$suite" "$unfinished"
  rm -rf "$unfinished"/var/cache/apt/* "$unfinished"/var/lib/apt/lists/*
  mv "$unfinished" "$folder/$suite"
  unfinished=
}

# Extracted, not installed: installing it would change the version of this machine's systemd.
ensure_nspawn() {
  if command -v systemd-nspawn >/dev/null || [ -x "$folder/nspawn/usr/bin/systemd-nspawn" ]; then return; fi
  unfinished=$folder/nspawn.unfinished
  rm -rf "$unfinished"
  mkdir "$unfinished"
  step 'getting systemd-nspawn' "$folder/nspawn.log" unpack_nspawn
  mv "$unfinished" "$folder/nspawn"
  unfinished=
}

unpack_nspawn() {
  # Its libraries must have the same version.
  download || { apt-get -qq update && download; }
  for file in "$unfinished"/*.deb; do dpkg-deb -x "$file" "$unfinished" || return; done
  rm "$unfinished"/*.deb
}

download() { (cd "$unfinished" && apt-get -qq download systemd-container libsystemd-shared libsystemd0); }

# If no container can be started, no test can pass. Say so at once.
try_container() {
  nspawn=systemd-nspawn
  libraries=
  if [ -x "$folder/nspawn/usr/bin/systemd-nspawn" ]; then
    nspawn=$folder/nspawn/usr/bin/systemd-nspawn
    for library in "$folder"/nspawn/lib/*-linux-gnu "$folder"/nspawn/usr/lib/*-linux-gnu \
      "$folder"/nspawn/usr/lib/*-linux-gnu/systemd; do
      libraries=$libraries:$library
    done
  fi
  step 'starting a container' "$folder/try.log" env "LD_LIBRARY_PATH=${libraries#:}" "$nspawn" --quiet \
    "--directory=$folder/$suite" --read-only --register=no --keep-unit --console=pipe --private-network /bin/true
}

if [ "$(id -u)" -ne 0 ]; then
  say 'containers and network namespaces need root: run this with sudo'
  exit 1
fi
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$folder"
# Only one at a time: two would create the same root.
exec 9>"$folder/lock"
flock 9
ensure_packages
ensure_nspawn
ensure_root
try_container
