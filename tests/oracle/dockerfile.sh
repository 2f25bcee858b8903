#!/usr/bin/env bash
# Our Dockerfile parser against BuildKit's own, on real, awkward and broken files: the same instructions on the same lines with
# the same flags and heredocs, the same stages, the same files refused. Where the two differ on purpose, known.txt says so.
#   dockerfile.sh OUR_PROGRAM
set -euo pipefail
ours=$1
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
command -v go >/dev/null || { echo "skipped: go is not installed"; exit 0; }
work="$(mktemp -d)"
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cp "$here"/buildkit/* "$work/"
(cd "$work" && GOFLAGS=-mod=mod timeout 240 go build -o buildkit . >build.log 2>&1) ||
  { echo "skipped: BuildKit's parser cannot be fetched here: $(tail -n 1 "$work/build.log")"; exit 0; }
mkdir "$work/corpus"
cp "$root"/src/lint/testdata/*.dockerfile "$work/corpus/"
python3 "$here/dockerfile_corpus.py" "$work/corpus"
"$work/buildkit" "$work"/corpus/* >"$work/theirs.txt" 2>"$work/errors.txt" || { tail -n 3 "$work/errors.txt"; exit 1; }
"$ours" "$work"/corpus/* >"$work/ours.txt"
python3 "$here/dockerfile_compare.py" "$work/theirs.txt" "$work/ours.txt"
