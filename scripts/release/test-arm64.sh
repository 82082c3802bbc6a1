#!/bin/sh
# Starts the arm64 executable of a release on an x86-64 machine, with qemu: test-arm64.sh dist/release/v0.1.0
# Gets qemu and the arm64 C libraries out of Debian's packages into .cache/arm64, without installing them. Downloads 30 MB.
set -eu

main() {
  if [ $# -ne 1 ]; then
    echo 'test-arm64: usage: test-arm64.sh FOLDER-OF-A-RELEASE' >&2
    exit 2
  fi
  release=$(cd "$1" && pwd)
  cd "$(dirname "$0")/../.."
  tools=$PWD/.cache/arm64
  if [ ! -d "$tools" ]; then get_tools; fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  (cd "$release" && sha256sum --check --quiet SHA256SUMS)
  tar -xzf "$release"/*-linux-arm64.tar.gz -C "$work" --strip-components=1
  file=$work/kube-proxy-nft

  version=$(run "$file" --version)
  echo "$version"
  case $version in "kube-proxy-nft "*) ;; *) fail "--version said: $version" ;; esac
  # Through parser, model and ruleset to the text; the source is files, and nothing is programmed.
  run "$file" --manifests examples --run-dir "$work/run" --dump >"$work/dump" 2>"$work/errors" || fail "$(cat "$work/errors")"
  grep -q '^table ip kube-proxy-nft {' "$work/dump" || fail 'its --dump holds no table'
  status=0
  run "$file" --no-such-flag >/dev/null 2>&1 || status=$?
  if [ "$status" -ne 2 ]; then fail "an unknown flag ended it with $status, and 2 is expected"; fi
  echo "test-arm64: it starts, reads manifests and prints $(grep -c . "$work/dump") lines of ruleset"
}

run() { "$tools/usr/bin/qemu-aarch64-static" -L "$tools/usr/aarch64-linux-gnu" "$@"; }

fail() {
  echo "test-arm64: $*" >&2
  exit 1
}

get_tools() {
  mkdir -p .cache
  folder=$(mktemp -d .cache/arm64-XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  download || { apt-get -qq update && download; }
  mkdir "$folder/root"
  for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
  mv "$folder/root" .cache/arm64
  rm -rf "$folder"
  trap - EXIT
}

download() {
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross)
}

main "$@"
