#!/usr/bin/env bash
# The registry beside Debian's docker-registry on the same work in the same run: prints both and the ratio, asserts nothing.
# Ours authenticates, journals and inspects what it stores; docker-registry does none of that.
#
#   bench/registry.sh            needs: packaging/install build run demo test bench
set -euo pipefail
cd "$(dirname "$0")/.."
PRATIQUE=${PRATIQUE:-$PWD/build/release/pratique}
[ -x "$PRATIQUE" ] || { echo "build the release first: ./demo"; exit 1; }
for program in docker-registry curl wrk skopeo python3; do command -v "$program" >/dev/null || { echo "$program is missing: packaging/install test bench"; exit 1; }; done
work=$(mktemp -d "${TMPDIR:-/tmp}/pratique-bench.XXXXXX")
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

cat >"$work/registry.yml" <<YAML
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
http: {addr: 127.0.0.1:5901}
YAML
env -u REGISTRY_AUTH_FILE docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
pids+=($!)
printf 'data: %s\nlisten: 127.0.0.1:5902\nlog: {level: warn}\n' "$work/data" >"$work/gate.yaml"
"$PRATIQUE" serve --config "$work/gate.yaml" >"$work/gate.out" 2>"$work/gate.log" &
pids+=($!)
for _ in $(seq 100); do grep -q '^Listening' "$work/gate.out" 2>/dev/null && curl -s -o /dev/null http://127.0.0.1:5901/v2/ && break; read -rt 0.1 <> <(:) || true; done
password=$(sed -n 's/^Administrator: user admin, password \([^ ]*\).*/\1/p' "$work/gate.out")
basic=$(printf 'admin:%s' "$password" | base64 -w0)

row() { python3 - "$@" <<'PY'
import sys
name, theirs, ours, unit, better = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4], sys.argv[5]
ratio = (ours / theirs if better == "more" else theirs / ours) if theirs and ours else 0
print(f"{name:<44} {theirs:>10.2f} {ours:>10.2f} {unit:<6} {ratio:>6.2f}x")
PY
}
median() { sort -n | awk '{a[NR]=$1} END {print a[int((NR+1)/2)]}'; }
now() { date +%s%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN{printf "%.3f", (b-a)/1e9}'; }

printf '%-44s %10s %10s %-6s %7s\n' "work" "registry" "pratique" "" "ratio"
head -c $((1 << 30)) /dev/urandom >"$work/blob"
digest="sha256:$(sha256sum <"$work/blob" | cut -d' ' -f1)"

put() {  # port header: seconds of one durable upload of 1 GiB
  local location from
  location=$(curl -s -i -X POST -H "$2" "http://127.0.0.1:$1/v2/library/blob/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  case $location in http*) ;; *) location="http://127.0.0.1:$1$location" ;; esac
  case $location in *\?*) location="$location&digest=$digest" ;; *) location="$location?digest=$digest" ;; esac
  from=$(now)
  curl -s -f -o /dev/null -X PUT -H "$2" -H 'Content-Type: application/octet-stream' -H 'Expect:' -T "$work/blob" "$location"
  since "$from"
}
theirs=$(put 5901 'X-None: 1'; echo)
ours=$(put 5902 "Authorization: Basic $basic"; echo)
row "push a blob of 1 GiB, durable" "$theirs" "$ours" s less

get() { local i from; for i in 1 2 3; do from=$(now); curl -s -f -o /dev/null -H "$2" "http://127.0.0.1:$1/v2/library/blob/blobs/$digest"; since "$from"; echo; done | median; }
row "pull a blob of 1 GiB" "$(get 5901 'X-None: 1')" "$(get 5902 "Authorization: Basic $basic")" s less

if [ -d build/demo/new ]; then
  copy() { local from; from=$(now); skopeo copy -q --dest-tls-verify=false "${@:2}" oci:build/demo/new:latest "docker://127.0.0.1:$1/library/debian:1"; since "$from"; }
  theirs=$(copy 5901)
  ours=$(copy 5902 --dest-creds "admin:$password")
  row "skopeo push of the demo's image (60 MB)" "$theirs" "$ours" s less
  pull() { local i from; for i in 1 2 3; do rm -rf "$work/pulled"; from=$(now); skopeo copy -q --src-tls-verify=false "${@:2}" "docker://127.0.0.1:$1/library/debian:1" "oci:$work/pulled:1"; since "$from"; echo; done | median; }
  row "skopeo pull of it" "$(pull 5901)" "$(pull 5902 --src-creds "admin:$password")" s less
  rate() { wrk -t1 -c16 -d4s -H "$2" -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://127.0.0.1:$1/v2/$3" | awk '/Requests\/sec/ {print $2}'; }
  row "GET manifest by tag" "$(rate 5901 'X-None: 1' library/debian/manifests/1)" "$(rate 5902 "Authorization: Basic $basic" library/debian/manifests/1)" /s more
  row "GET /v2/" "$(rate 5901 'X-None: 1' '')" "$(rate 5902 "Authorization: Basic $basic" '')" /s more
fi
memory() { awk '/VmHWM/ {print $2/1024}' "/proc/$1/status"; }
row "peak memory" "$(memory "${pids[0]}")" "$(memory "${pids[1]}")" MiB less
