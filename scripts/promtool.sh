#!/bin/sh
# Gets promtool, with which the tests check the metrics, into .cache/promtool: takes it out of Debian's package
# prometheus without installing that, which would start a server. Downloads 20 MB and keeps 48 MB. A second run, or one
# where promtool is installed, does nothing.
set -eu
cd "$(dirname "$0")/.."

target=.cache/promtool
if [ -x "$target" ] || command -v promtool >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  printf 'promtool: please install promtool (Debian package prometheus); this script knows apt-get only\n' >&2
  exit 1
fi
mkdir -p .cache
folder=$(mktemp -d .cache/promtool-XXXXXX)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

download() { (cd "$folder" && apt-get -qq download prometheus); }

# The package lists may be missing (a fresh image) or too old to download from: only then are they fetched.
download || { apt-get -qq update && download; }
dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
# One that does not run here gets no name, nor one whose download was interrupted.
"$folder/usr/bin/promtool" --version
mv "$folder/usr/bin/promtool" "$target"
