#!/bin/sh
# Any continuous integration: scans what a change adds or alters, and fails as the scan says.
#
#   BASE=origin/main docs/ci/scan.sh            files that differ from BASE
#   docs/ci/scan.sh                             everything
#
# MODELAUDIT names the program; "modelaudit" on PATH otherwise.
set -u

modelaudit=${MODELAUDIT:-modelaudit}

if [ -z "${BASE:-}" ]; then
  exec "$modelaudit" scan --allow-no-models --no-progress -- .
fi
list=$(mktemp) || exit 2
trap 'rm -f "$list"' EXIT
# Names stand between NUL bytes: they may hold anything else.
git diff --name-only --diff-filter=d -z "$BASE"...HEAD > "$list" || exit 2
[ -s "$list" ] || exit 0
code=0
xargs -0 "$modelaudit" scan --allow-no-models --no-progress -- < "$list" || code=$?
# xargs says 123 where one of its runs failed, for whatever reason.
[ "$code" -ne 123 ] || code=1
exit "$code"
