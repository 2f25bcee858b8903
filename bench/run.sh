#!/usr/bin/env bash
# What isolation costs: starting a cached image, against bare crun and podman; unpacking it, against umoci and podman.
# Prints one JSON object. Needs root, a built program in $PRATIQUE, crun, umoci, busybox; podman where it is installed.
set -euo pipefail
source "$(dirname "$0")/../tests/e2e/lib.sh" >/dev/null
need umoci busybox crun skopeo python3
runs=${RUNS:-11}
clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
as rea review approve "$(newest ann)" --note ok >/dev/null
export PRATIQUE_RUN_RULES="$work/rules.yaml" PRATIQUE_USER=ann PRATIQUE_PASSWORD="$(password_of ann)"
echo 'keep_images: yes' >"$PRATIQUE_RUN_RULES"
mkdir -p "$work/out" "$work/bundle"
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
timed() { local i a b; for i in $(seq "$runs"); do a=$(date +%s%N); "$@" >/dev/null 2>&1; b=$(date +%s%N); echo $(((b - a) / 1000)); done | median; }

ours() { "$PRATIQUE" run --outputs "$work/out" nextflow-approved/ann:1.0 -- /bin/true; }
ours
start_of() { "$PRATIQUE" run -v --outputs "$work/out" nextflow-approved/ann:1.0 -- /bin/true 2>&1 | sed -n 's/.*started in \([0-9]*\) ms.*/\1/p'; }
ours_us=$(timed ours)
started_ms=$(for i in $(seq "$runs"); do start_of; done | median)

busybox_root "$work/bundle/rootfs"
(cd "$work/bundle" && crun spec && python3 - <<'PY'
import json
c=json.load(open("config.json")); c["process"]["args"]=["/bin/true"]; c["process"]["terminal"]=False
c["linux"].pop("cgroupsPath",None); json.dump(c,open("config.json","w"))
PY
)
bare() { unshare -m --propagation private sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun --cgroup-manager=disabled run -b "$1" "b$$"' sh "$work/bundle"; }
bare_us=$(timed bare)
podman_us=0
if command -v podman >/dev/null; then
  skopeo copy -q "oci:$work/clean:latest" "containers-storage:[overlay@$work/pod+$work/podrun]localhost/clean:1" 2>/dev/null || true
  pod() { podman --root "$work/pod" --runroot "$work/podrun" --storage-driver overlay --runtime /usr/sbin/runc run --rm --ulimit nofile=1024:20000 --ulimit nproc=4096:4096 --network none localhost/clean:1 /bin/true; }
  pod >/dev/null 2>&1 && podman_us=$(timed pod)
  cleanups+=("umount $work/pod/overlay")
fi
python3 - "$ours_us" "$started_ms" "$bare_us" "$podman_us" <<'PY'
import json,sys
ours,started,bare,podman=map(int,sys.argv[1:])
print(json.dumps({"whole_command_ms":ours/1000,"layers_to_runtime_ms":started,"bare_crun_ms":bare/1000,"podman_ms":podman/1000,
 "ratio_to_crun":round(ours/bare,2),"ratio_to_podman":round(ours/podman,3) if podman else None}))
PY
