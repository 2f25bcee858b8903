#!/usr/bin/env bash
# Runs leave records; they can be listed, read, stopped and waited for; the host's rules hold against every option.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox crun python3
[ "$(id -u)" = 0 ] || skip "pratique run needs root"
clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
as rea review approve "$(newest ann)" --note ok >/dev/null
image=nextflow-approved/ann:1.0
export PRATIQUE_RUN_RULES="$work/rules.yaml"
echo 'keep_images: yes' >"$PRATIQUE_RUN_RULES"
run() { as ann run "$@"; }
field() { as ann jobs --all --format json | json "d['jobs'][0]['$1']"; }

code=0
run -n first "$image" -- sh -c 'echo said; echo cried >&2; echo x > /safe_outputs/r; exit 3' >"$work/last.txt" 2>&1 || code=$?
[ "$code" = 3 ] || die "the exit code is $code and not the job's"
claim "a failed run is recorded as failed" [ "$(field state)/$(field exit_code)" = failed/3 ]
claim "the record names image, user and data mode" [ "$(field data_mode)/$(field digest | cut -c1-7)" = none/sha256: ]
claim "its outputs are in a new directory of its own" test -e "$HOME/outputs_$(field id)/r"
claim "which is private" [ "$(stat -c %a "$HOME/outputs_$(field id)")" = 700 ]
claim "the log has what it said" as ann logs first --stream out
says "said"
claim "and what it cried" bash -c "'$PRATIQUE' logs first --stream err 2>&1"
says "cried"
claim "the gate's journal has the run" as rea admin journal show --limit 1000
says "job-ended"

# Options that come in files
printf -- '-e FROM_FILE=yes\n# comment\n--network none\n' >"$work/opts"
printf 'A="quoted"\nB=two words\n' >"$work/env"
printf -- "-c 'echo \$FROM_FILE \$A \$B'\n" >"$work/args"
claim "option, environment and argument files are read" run --opt-file "$work/opts" --env-file "$work/env" --arg-file "$work/args" --entrypoint sh "$image"
says 'yes "quoted" two words'
for bad in '--privileged' '--network host' '-v /etc:/safe_data' '--device /dev/kvm' '--cap-add SYS_ADMIN' '--pid host' '--userns host' '--security-opt seccomp=unconfined'; do
  echo "$bad" >"$work/opts"
  refuse "an option file with $bad is refused" run --opt-file "$work/opts" "$image" -- true
  says "refused:"
done
claim "model libraries are told there is no network" run "$image" -- sh -c 'echo $HF_HUB_OFFLINE $TRANSFORMERS_OFFLINE $TMP $TEMP'
says "1 1 /scratch /scratch"
echo secret | run "$image" -- cat >"$work/out.txt" 2>/dev/null
claim "standard input is empty" [ ! -s "$work/out.txt" ]
echo secret | run -i "$image" -- cat >"$work/out.txt" 2>/dev/null
claim "unless it was asked for" [ "$(cat "$work/out.txt")" = secret ]

# Rules of the host
mkdir -p "$work/projects/root" "$work/projects/other"
echo 42 >"$work/projects/root/in"
cat >"$PRATIQUE_RUN_RULES" <<RULES
projects_directory: $work/projects
directories_are_fixed: yes
memory_max: 1G
projects:
  root: {outputs_at_exit: read-only}
RULES
claim "the project is found by group membership" run -m 1 "$image" -- sh -c 'cat /safe_data/in; echo kept > /safe_outputs/o'
says "42"
refuse "and is read-only unless the rules say otherwise" run -m 1 "$image" -- touch /safe_data/new
out="$(field outputs)"
claim "outputs are read-only afterwards" [ "$(stat -c %a "$out")" = 550 ]
refuse "--data cannot change it" run -m 1 --data /etc "$image" -- true
says "chosen by this host's rules"
refuse "nor --outputs" run -m 1 --outputs "$work/elsewhere" "$image" -- true
refuse "nor another project" run -m 1 --project other "$image" -- true
says "in no group"
refuse "more memory than the host gives is refused" run -m 2 "$image" -- true
says "at most"
claim "no copy of the image is kept" bash -c "[ -z \"\$(ls '$PRATIQUE_DATA/run/layers')\" ]"
echo 'users: [nobody-else]' >"$PRATIQUE_RUN_RULES"
refuse "who is not enabled on this host runs nothing" run "$image" -- true
says "not enabled"
echo 'usres: []' >"$PRATIQUE_RUN_RULES"
refuse "a misspelt rule stops everything" run "$image" -- true
says "line 1"

# Ending
echo 'keep_images: yes' >"$PRATIQUE_RUN_RULES"
begin() { as ann run -n "$1" "$image" -- sh -c "$2" >/dev/null 2>&1 & until_true bash -c "'$PRATIQUE' jobs | grep -q ' $1 '" || die "$1 did not start"; }
begin long 'trap "exit 5" TERM; while :; do sleep 1; done'
claim "a running job is listed" as ann jobs
says "long"
claim "it is stopped" as ann stop long
claim "and that is no success" [ "$(field state)" = stopped ]
begin deaf 'trap "" TERM; while :; do sleep 1; done'
claim "a job that ignores SIGTERM ends at once when told so" timeout 8 "$PRATIQUE" stop --now deaf
begin doomed 'exec sleep 600'
pid=$(field runner | cut -d- -f2)
kill -9 "$pid"
code=0; "$PRATIQUE" wait doomed >"$work/last.txt" || code=$?
claim "the run of a killed runner is lost, not a success" [ "$code" != 0 ]
[ "$(field state)" = lost ] || die "it must be lost, not $(field state)"
code=0; run --time 1s "$image" -- sh -c 'trap "exit 0" TERM; while :; do sleep 1; done' >/dev/null 2>&1 || code=$?
claim "a job that takes too long fails, whatever its handler says" [ "$code" = 124 ]
