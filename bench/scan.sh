#!/usr/bin/env bash
# A scan of the demo's image beside what others need only to read it: prints seconds and ratios, asserts nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
PRATIQUE=${PRATIQUE:-$PWD/build/release/pratique}
image=build/demo/new
[ -x "$PRATIQUE" ] && [ -d "$image" ] || { echo "run ./demo first"; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/pratique-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
now() { date +%s%N; }
seconds() { local from i; for i in 1 2 3 4 5; do from=$(now); "$@" >/dev/null 2>&1; awk -v a="$from" -v b="$(now)" 'BEGIN{printf "%.3f\n", (b-a)/1e9}'; done | sort -n | sed -n 3p; }
layers() { python3 -c 'import json,sys; d=sys.argv[1]; b=lambda g: d+"/blobs/"+g.replace(":","/"); i=json.load(open(d+"/index.json")); m=json.load(open(b(i["manifests"][0]["digest"]))); print("\n".join(b(l["digest"]) for l in m["layers"]))' "$image"; }
mapfile -t files < <(layers)
list_all() { local file; for file in "${files[@]}"; do tar -tzf "$file"; done; }
find_status() { local file; for file in "${files[@]}"; do tar -xzOf "$file" ./var/lib/dpkg/status || true; done; }
unpack() { rm -rf "$work/root"; umoci unpack --image "$image:latest" "$work/root"; }
export XDG_CACHE_HOME="$work/cache" PRATIQUE_DATA="$work/none"
ours=$(seconds "$PRATIQUE" scan --no-cache "oci:$image:latest")
printf '%-52s %8.3f s\n' "pratique scan: inflate, verify, catalogue, match" "$ours"
compare() { local took; took=$(seconds "${@:2}"); awk -v n="$1" -v t="$took" -v o="$ours" 'BEGIN{printf "%-52s %8.3f s  %5.2fx\n", n, t, t/o}'; }
compare "tar -t of every layer" list_all
compare "tar -xO of the dpkg status" find_status
compare "umoci unpack" unpack
"$PRATIQUE" scan "oci:$image:latest" >/dev/null 2>&1
compare "pratique scan again, layers known" "$PRATIQUE" scan "oci:$image:latest"
