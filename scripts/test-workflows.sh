#!/bin/sh
# Prepares what `npm run test:workflows` needs in addition to scripts/setup.sh: actionlint. If it is missing, Go builds
# it from its module (scripts/go-tool.sh). Later runs need no network.
set -eu
cd "$(dirname "$0")/.."
exec sh scripts/go-tool.sh actionlint github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
