#!/usr/bin/env bash
# Clients that share no code with skopeo's family — containerd's ctr, oras' library, regctl, crane — against the three kinds of
# namespace: write-only staging, read-only approved, open. What is to be had here takes part; none of it: skipped.
source "$(dirname "$0")/lib.sh"
need umoci busybox
peers="$root/build/peers"
mkdir -p "$peers"
# A client built through the Go module proxy once; says why when it cannot be had.
go_client() {  # name package
  local found
  found=$(type -P "$1" || echo "$peers/$1")
  [ -x "$found" ] || { command -v go >/dev/null && HOME=/root GOBIN="$peers" GOFLAGS=-mod=mod timeout 600 go install "$2" >"$work/go.txt" 2>&1; } ||
    { echo "SKIPPED: $1: $(tail -n 1 "$work/go.txt" 2>/dev/null || echo 'no Go to build it with')"; return 1; }
}
oras_client() {
  [ -x "$peers/oras-copy" ] && return
  command -v go >/dev/null || { echo "SKIPPED: oras: no Go to build it with"; return 1; }
  mkdir -p "$work/oras" && cp "$root/tests/e2e/oras/main.go" "$work/oras/"
  (cd "$work/oras" && export HOME=/root GOFLAGS=-mod=mod && go mod init example.org/oras-copy && go mod tidy && timeout 600 go build -o "$peers/oras-copy" .) \
    >"$work/go.txt" 2>&1 || { echo "SKIPPED: oras: $(tail -n 1 "$work/go.txt")"; return 1; }
}
clean_image clean
gate_start <<<'policy: tre'
approve_newest() { as rea review approve "$(newest ann)" --note ok >/dev/null; }
tried=0

# The same claims for every client: $1 names it, push_with and pull_with are its commands.
gated() {
  local name=$1
  tried=$((tried + 1))
  claim "$name pushes into staging" push_with ann "nextflow-staging/ann:$name"
  claim "$name pushes the same image again" push_with ann "nextflow-staging/ann:$name"
  claim "the reviewer approves what $name pushed" approve_newest
  refuse "$name cannot pull from staging" pull_with ann "nextflow-staging/ann:$name"
  claim "$name pulls what was approved" pull_with ann "nextflow-approved/ann:$name"
  refuse "$name cannot push into approved" push_with ann "nextflow-approved/ann:new-$name"
  refuse "$name cannot push into another's staging" push_with ann "nextflow-staging/rea:$name"
  claim "$name pushes into an open namespace" push_with ann "library/$name:1"
  claim "$name pulls from it" pull_with ann "library/$name:1"
}

if command -v containerd >/dev/null && command -v ctr >/dev/null && [ "$(id -u)" = 0 ]; then
  run=$(mktemp -d /tmp/cd.XXXX)  # socket paths end at 107 characters
  printf 'version = 2\nroot = "%s/root"\nstate = "%s/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "%s/s"\n' "$run" "$run" "$run" >"$run/config.toml"
  containerd --config "$run/config.toml" >"$run/log" 2>&1 &
  containerd=$!
  cleanups+=("kill $containerd" "wait $containerd 2>/dev/null" "rm -rf $run")
  ctr() { command ctr --address "$run/s" "$@"; }
  if until_true ctr version; then
    tar -C "$work/clean" -cf "$work/clean-oci.tar" .
    command ctr --address "$run/s" images import --no-unpack --local --index-name clean "$work/clean-oci.tar" >"$work/last.txt" 2>&1 ||
      command ctr --address "$run/s" images import --index-name clean "$work/clean-oci.tar" >"$work/last.txt" 2>&1 || die "ctr imports the image"
    push_with() { ctr images push --plain-http --user "$1:$(password_of "$1")" "$host/$2" clean; }
    pull_with() { ctr images rm "$host/$2"; ctr content fetch --plain-http --user "$1:$(password_of "$1")" "$host/$2"; }
    gated ctr
  else
    echo "SKIPPED: containerd did not start here: $(tail -n 1 "$run/log")"
  fi
else
  echo "SKIPPED: ctr: containerd needs to be installed and run as root"
fi

if oras_client; then
  push_with() { "$peers/oras-copy" "$1" "$(password_of "$1")" push "$work/clean:latest" "$host/$2"; }
  pull_with() { "$peers/oras-copy" "$1" "$(password_of "$1")" pull "$host/$2" "$work/oras-pulled:latest"; }
  gated oras
  claim "oras attaches to an image and lists it" "$peers/oras-copy" ann "$(password_of ann)" attach "$host/library/oras:1"
  says "refers: application/vnd.example.note"
fi

if go_client regctl github.com/regclient/regclient/cmd/regctl@latest; then
  program=$(type -P regctl || echo "$peers/regctl")
  regctl() { "$program" --host "reg=$host,tls=disabled,user=$1,pass=$(password_of "$1")" "${@:2}"; }
  push_with() { regctl "$1" image copy "ocidir://$work/clean:latest" "$host/$2"; }
  pull_with() { regctl "$1" image copy "$host/$2" "ocidir://$work/regctl-pulled:latest"; }
  gated regctl
  claim "regctl lists tags" regctl ann tag ls "$host/library/regctl"
  claim "regctl lists repositories" regctl ann repo ls "$host"
  says "library/regctl"
  claim "regctl deletes a tag" regctl ann tag rm "$host/library/regctl:1"
fi

if go_client crane github.com/google/go-containerregistry/cmd/crane@latest; then
  crane=$(command -v crane || echo "$peers/crane")
  push_with() { "$crane" auth login "$host" -u "$1" -p "$(password_of "$1")" && "$crane" push --insecure "$work/clean" "$host/$2"; }
  pull_with() { "$crane" auth login "$host" -u "$1" -p "$(password_of "$1")" && "$crane" pull --insecure "$host/$2" "$work/crane.tar"; }
  gated crane
fi
[ "$tried" -gt 0 ] || skip "none of these clients is to be had here"
