#!/usr/bin/env bash
# The registry beside Debian's docker-registry and distribution 3 (built through the Go module proxy) on the same work in the
# same run, all durable: prints rates, the server's CPU time a unit, and our ratio to the best of them. Asserts nothing. Ours
# authenticates and journals, they do neither. zot joins where its module is served.
#
#   bench/registry.sh [SECONDS]      a step takes SECONDS (5); PRATIQUE names the program, BENCH_LARGE=0 leaves out the 1 GiB blob
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
PRATIQUE=${PRATIQUE:-$PWD/build/release/pratique}
[ -x "$PRATIQUE" ] || { echo "build the release first: ./demo"; exit 1; }
for program in curl wrk python3; do command -v "$program" >/dev/null || { echo "$program is missing: packaging/install test bench"; exit 1; }; done
work=$(mktemp -d "${TMPDIR:-/tmp}/pratique-bench.XXXXXX")
peers=$PWD/build/peers
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port=5900

head -c 1000000 /dev/urandom >"$work/seed"
[ "${BENCH_LARGE:-1}" = 0 ] || head -c $((1 << 30)) /dev/urandom >"$work/blob"

answers() { for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$1/v2/" && return; read -rt 0.1 <> <(:) || true; done; return 1; }
peer() {  # name program configuration
  local name=$1 program=$2
  port=$((port + 1))
  "$program" serve "$3" >"$work/$name.log" 2>&1 &
  server=$!
  answers "$port" || { echo "$name did not start: $(tail -n 1 "$work/$name.log")" >&2; return 0; }
  echo "measuring $name" >&2
  python3 bench/registry_load.py "$port" "$server" - "$work" "$seconds" >"$work/$name.figures"
  kill "$server"; wait "$server" 2>/dev/null || true
  server=
}
distribution_config() {
  printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: 127.0.0.1:%s}\n' \
    "$work/$1" $((port + 1)) >"$work/$1.yml"
  echo "$work/$1.yml"
}

if command -v docker-registry >/dev/null; then
  REGISTRY_AUTH_FILE='' && export -n REGISTRY_AUTH_FILE
  peer docker-registry docker-registry "$(distribution_config docker-registry)"
else
  echo "docker-registry is missing: packaging/install bench" >&2
fi
if [ ! -x "$peers/registry" ] && command -v go >/dev/null; then
  mkdir -p "$peers"
  HOME=/root GOBIN="$peers" GOFLAGS=-mod=mod timeout 900 go install github.com/distribution/distribution/v3/cmd/registry@latest >"$work/go.log" 2>&1 ||
    echo "distribution 3 cannot be built here: $(tail -n 1 "$work/go.log")" >&2
fi
[ ! -x "$peers/registry" ] || peer distribution-3 "$peers/registry" "$(distribution_config distribution-3)"
if [ ! -x "$peers/zot" ] && command -v go >/dev/null; then
  HOME=/root GOBIN="$peers" GOFLAGS=-mod=mod GOEXPERIMENT=jsonv2 CGO_ENABLED=0 timeout 1800 go install zotregistry.dev/zot/v2/cmd/zot@latest >"$work/go.log" 2>&1 ||
    echo "zot cannot be built here: $(tail -n 1 "$work/go.log")" >&2
fi
if [ -x "$peers/zot" ]; then
  printf '{"storage":{"rootDirectory":"%s/zot","commit":true,"gc":false},"http":{"address":"127.0.0.1","port":"%s"},"log":{"level":"error"}}' "$work" $((port + 1)) >"$work/zot.json"
  peer zot "$peers/zot" "$work/zot.json"
fi

port=$((port + 1))
printf 'data: %s/data\nlisten: 127.0.0.1:%s\nlog: {level: warn}\n' "$work" "$port" >"$work/gate.yaml"
"$PRATIQUE" serve --config "$work/gate.yaml" >"$work/gate.out" 2>"$work/gate.log" &
server=$!
for _ in $(seq 100); do grep -q '^Listening' "$work/gate.out" && break; read -rt 0.1 <> <(:) || true; done
password=$(sed -n 's/^Administrator: user admin, password \([^ ]*\).*/\1/p' "$work/gate.out")
# As clients do: a token for the password, then the token. It is good for longer than the run.
token=$(curl -s -u "admin:$password" "http://127.0.0.1:$port/v2/token?service=x" | python3 -c 'import json,sys; print(json.load(sys.stdin)["token"])')
echo "measuring pratique" >&2
python3 bench/registry_load.py "$port" "$server" "Bearer $token" "$work" "$seconds" >"$work/pratique.figures"

python3 - "$work" <<'PY'
import glob, os, sys
figures = {os.path.basename(path)[:-8]: dict((line.split("\t")[0], tuple(map(float, line.split("\t")[1:]))) for line in open(path))
           for path in glob.glob(sys.argv[1] + "/*.figures")}
ours = figures.pop("pratique")
names = sorted(figures)
print(f'{"work":<54}' + "".join(f"{name:>18}" for name in names) + f'{"pratique":>12}{"ratio":>8}{"CPU ratio":>11}')
for work, (wall, cpu) in ours.items():
    less = "(s)" in work or "(MiB)" in work
    theirs = [figures[name].get(work, (0, 0)) for name in names]
    there = [figure for figure in theirs if figure[0]]
    best = (min if less else max)((figure[0] for figure in there), default=0)
    ratio = (best / wall if less else wall / best) if best and wall else 0
    saved = min((figure[1] for figure in there if figure[1]), default=0) / cpu if cpu else 0
    print(f"{work:<54}" + "".join(f"{figure[0]:>18.2f}" for figure in theirs) + f"{wall:>12.2f}{ratio:>7.2f}x" + (f"{saved:>10.2f}x" if saved else ""))
hot, many = (next((wall for work, (wall, _) in ours.items() if word in work), 0) for word in ("one repository", "many repositories"))
print(f"one hot repository beside many: {100 * hot / many if many else 0:.0f} %")
PY
