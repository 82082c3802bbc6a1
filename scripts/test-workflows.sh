#!/bin/sh
# Makes what `npm run test:workflows` needs besides scripts/setup.sh, where it is missing: actionlint, built by Go from its
# module (scripts/go-tool.sh). Without a network, once that is there.
set -eu
cd "$(dirname "$0")/.."
exec sh scripts/go-tool.sh actionlint github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
