#!/bin/bash
# Runs suite.py (at 1.1 and dev) and wire_check.py against a fresh server. Needs no network and no Go.   wire.sh [PRATIQUE_BINARY]
# Exit: 0 all hold, 1 some do not, 77 there is no binary.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
. "$source_dir/tests/conformance/server.sh"
binary=$(find_binary "${1:-}")
if [ ! -x "${binary:-}" ]; then
  echo "SKIPPED: no pratique binary: build it first, or name it" >&2
  exit 77
fi
start_server "$binary" "$(mktemp -d)"
failed=0
for version in 1.1 dev; do
  python3 "$source_dir/tests/conformance/suite.py" "$registry" "$user" "$password" open sparse "$version" || failed=1
done
python3 "$source_dir/tests/conformance/wire_check.py" "$registry" "$user" "$password" open/wire || failed=1
exit $failed
