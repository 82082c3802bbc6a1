#!/bin/sh
# Makes what `npm run test:helm` needs besides scripts/setup.sh, where it is missing: helm, built by Go from its module
# (scripts/go-tool.sh). Without a network, once that is there.
set -eu
cd "$(dirname "$0")/.."
exec sh scripts/go-tool.sh helm helm.sh/helm/v3/cmd/helm@v3.22.0
