#!/bin/sh
# Gets promtool, which the tests use to check the metrics, into .cache/promtool. Extracts it from Debian's package
# prometheus without installing the package, which would start a server. Downloads 20 MB and keeps 48 MB. Does nothing
# on a second run, or if promtool is installed.
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

# The package lists may be missing (a fresh image) or too old to download from. Fetch them only then.
download || { apt-get -qq update && download; }
dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
# A program that does not run here, or whose download was interrupted, gets no name.
"$folder/usr/bin/promtool" --version
mv "$folder/usr/bin/promtool" "$target"
