#!/bin/bash
# Runs the official OCI distribution conformance suite against a fresh server with an open namespace.
#   run.sh [PRATIQUE_BINARY]
# Exit: 0 no failures, 1 failures, 77 the suite or the binary cannot be had here (said on stderr).
# OCI_CONFORMANCE names a ready-built suite; CONFORMANCE_VERSION another revision than main.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
. "$source_dir/tests/conformance/server.sh"

skip() {
  echo "SKIPPED: $*" >&2
  exit 77
}

module=github.com/opencontainers/distribution-spec/conformance
version=${CONFORMANCE_VERSION:-main}
tools=${PRATIQUE_TOOLS:-$source_dir/build/tools}
suite=${OCI_CONFORMANCE:-$tools/conformance}
work=$(mktemp -d)

binary=$(find_binary "${1:-}")
[ -x "${binary:-}" ] || skip "no pratique binary: build it first, or name it"

if [ ! -x "$suite" ]; then
  command -v go > /dev/null || skip "go is not installed, so the suite cannot be built"
  mkdir -p "$tools"
  if ! GOBIN=$tools GOFLAGS=-buildvcs=false go install "$module@$version" 2> "$work/go.err"; then
    tail -n 3 "$work/go.err" >&2
    skip "the suite could not be fetched or built with Go (above); set OCI_CONFORMANCE to a built one"
  fi
fi

start_server "$binary" "$work"
failed=0
for spec in ${OCI_VERSIONS:-1.1 dev}; do
  results=${CONFORMANCE_RESULTS:-$work/results}/$spec
  mkdir -p "$results"
  OCI_REGISTRY=$registry OCI_TLS=disabled OCI_REPO1=open/conformance/one OCI_REPO2=open/conformance/two \
    OCI_USERNAME=$user OCI_PASSWORD=$password OCI_VERSION=$spec OCI_RESULTS_DIR=$results \
    "$suite" > "$results/output.txt" 2>&1 || failed=1
  python3 "$source_dir/tests/conformance/count.py" "$results/junit.xml" "spec $spec" || failed=1
done
echo "results: ${CONFORMANCE_RESULTS:-$work/results}"
exit $failed
