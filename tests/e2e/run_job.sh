#!/usr/bin/env bash
# An approved image runs isolated from the command line; anything else does not run at all.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox crun
[ "$(id -u)" = 0 ] || skip "the first version of pratique run needs root"
clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
refuse "an image that waits for a reviewer does not run" as ann run nextflow-approved/ann:1.0 -- /bin/true
as rea review approve "$(newest ann)" --note ok >/dev/null
mkdir "$work/project"; echo 42 >"$work/project/input"

run() { as ann run --data "$work/project" --outputs "$work/out" "$@"; }
claim "input goes in, a result comes out" run nextflow-approved/ann:1.0 -- /bin/sh -c 'cp /safe_data/input /safe_outputs/result'
[ "$(cat "$work/out/result")" = 42 ] || die "the result is wrong"
refuse "/safe_data is read-only" run nextflow-approved/ann:1.0 -- /bin/sh -c 'echo x > /safe_data/new'
code=0; run nextflow-approved/ann:1.0 -- /bin/sh -c 'exit 7' >/dev/null 2>&1 || code=$?
claim "the exit code is the job's own" [ "$code" = 7 ]
claim "there is no interface but loopback and no route" run nextflow-approved/ann:1.0 -- /bin/sh -c '[ "$(ls /sys/class/net)" = lo ] && [ "$(tail -n +2 /proc/net/route | wc -l)" = 0 ]'
claim "temporary files go to /scratch" run nextflow-approved/ann:1.0 -- /bin/sh -c '[ "$TMPDIR" = /scratch ] && touch /scratch/x'
claim "scratch of the last job is gone" run nextflow-approved/ann:1.0 -- /bin/sh -c '[ ! -e /scratch/x ]'
claim "a dry run says what it would do" run --dry-run nextflow-approved/ann:1.0
says "/safe_data"
PRATIQUE_USER=ann PRATIQUE_PASSWORD="$(password_of ann)" "$PRATIQUE" run --outputs "$work/out" nextflow-approved/ann:1.0 \
  -- /bin/sh -c 'touch /safe_outputs/started; exec sleep 600' >/dev/null 2>&1 &
job=$!
claim "a job runs" until_true test -e "$work/out/started"
kill -9 "$job"
wait "$job" 2>/dev/null || true
claim "no copy of the image outlives a run that was killed" bash -c "[ -z \"\$(find '$PRATIQUE_DATA/run' -maxdepth 1 -name 'pratique-*')\" ]"
refuse "a memory limit bites" run -m 16M nextflow-approved/ann:1.0 -- /bin/sh -c 'x=$(head -c 100000000 /dev/zero | tr "\0" x); echo ${#x}'
claim "nothing of the jobs is left" bash -c "[ -z \"\$(mount | grep '$PRATIQUE_DATA/run' || true)\" ]"
