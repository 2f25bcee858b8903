#!/usr/bin/env bash
# crane, from the Go module proxy, against an open namespace and the gate: a client none of Debian's shares code with.
source "$(dirname "$0")/lib.sh"
need umoci busybox
peers="$root/build/peers"
crane=$(command -v crane || echo "$peers/crane")
if [ ! -x "$crane" ]; then
  command -v go >/dev/null || skip "crane is not installed, and there is no Go to build it with"
  mkdir -p "$peers"
  HOME=/root GOBIN="$peers" GOFLAGS=-mod=mod timeout 300 go install github.com/google/go-containerregistry/cmd/crane@latest >"$work/go.txt" 2>&1 ||
    skip "crane could not be fetched: $(tail -n 1 "$work/go.txt")"
fi
clean_image clean
gate_start <<<'policy: tre'
crane() { "$crane" "$@" --insecure; }

claim "crane logs in" crane auth login "$host" -u admin -p "$admin_password"
claim "crane pushes a layout" crane push "$work/clean" "$host/library/clean:1"
claim "crane reads the digest back" bash -c "[ \"\$('$crane' digest --insecure '$host/library/clean:1')\" = '$(layout_digest clean)' ]"
claim "crane lists tags" crane ls "$host/library/clean"
says "1"
claim "crane copies to another tag" crane tag "$host/library/clean:1" 2
claim "crane pulls" crane pull "$host/library/clean:2" "$work/pulled.tar"
claim "crane validates every byte" crane validate --remote "$host/library/clean:2"
claim "crane lists the catalogue" crane catalog "$host"
says "library/clean"
claim "crane deletes a tag" crane delete "$host/library/clean:2"
claim "a submitter logs in" crane auth login "$host" -u ann -p "$(password_of ann)"
claim "crane pushes into staging" crane push "$work/clean" "$host/nextflow-staging/ann:crane"
refuse "crane cannot read it back" crane digest "$host/nextflow-staging/ann:crane"
