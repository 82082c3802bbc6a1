#!/bin/sh
# `npm run audit`: queries npm's registry for known vulnerabilities of the packages that can be in the executable.
# Exit code 0: none; 1: some, and their names; 2: unknown, because there is no network or the registry does not answer.
# It does not cover Node.js itself: see docs/security.md, "How a CVE of Node.js is followed".
set -eu
cd "$(dirname "$0")/.."

report=$(mktemp)
trap 'rm -f "$report"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

status=0
npm audit --omit=dev --package-lock-only --json --fetch-retries=1 >"$report" 2>"$report.log" || status=$?
log=$(cat "$report.log")
rm -f "$report.log"
# npm exits with 1 in both cases. Only an answer has this field.
if ! grep -q '"auditReportVersion"' "$report"; then
  echo "audit: not known: npm's registry did not tell, or there is no network:" >&2
  printf '%s\n' "$log" | grep -v '^npm error A complete log' | head -n 5 | sed 's/^/  /' >&2
  exit 2
fi
if [ "$status" -eq 0 ]; then
  echo 'audit: npm knows of no vulnerability in the packages of the executable'
  exit 0
fi
echo 'audit: there are known vulnerabilities (npm audit --omit=dev tells more):' >&2
sed -n 's/^ *"name": "\(.*\)",$/  \1/p' "$report" | sort -u >&2
exit 1
