#!/bin/sh
# Prepares what `npm run test:helm` needs in addition to scripts/setup.sh: helm. If it is missing, Go builds it from its
# module (scripts/go-tool.sh). Later runs need no network.
set -eu
cd "$(dirname "$0")/.."
exec sh scripts/go-tool.sh helm helm.sh/helm/v3/cmd/helm@v3.22.0
