#!/usr/bin/env bash
# Workflow engines use the docker-compatible front: the same images, the same isolation.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox crun python3
[ "$(id -u)" = 0 ] || skip "pratique run needs root"
clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
as rea review approve "$(newest ann)" --note ok >/dev/null
export PRATIQUE_USER=ann PRATIQUE_PASSWORD="$(password_of ann)"
mkdir "$work/bin" "$work/wf"
for name in docker podman ces-run ces-pull; do ln -s "$PRATIQUE" "$work/bin/$name"; done
export PATH="$work/bin:$PATH"
image="$host/nextflow-approved/ann:1.0"

claim "docker pull says what is admitted" docker pull "$image"
says "approved until"
claim "docker run works in a bound directory" docker run --rm -v "$work/wf:/w" -w /w -e A=1 --net=none "$image" sh -c 'echo $A > result'
[ "$(cat "$work/wf/result")" = 1 ] || die "the result is wrong"
refuse "but not privileged" docker run --privileged "$image" true
says "not for the job to change"
refuse "and not over the fixed directories" docker run -v "$work/wf:/safe_data" "$image" true
code=0; docker run "$image" sh -c 'exit 9' >/dev/null 2>&1 || code=$?
claim "exit codes pass through" [ "$code" = 9 ]
claim "docker ps lists ended runs" docker ps -a
says "Exited (9)"
claim "docker inspect knows the image" docker inspect "$image"
says '"Architecture"'
echo in | docker run -i "$image" cat >"$work/out.txt"
claim "docker run -i passes standard input" [ "$(cat "$work/out.txt")" = in ]
claim "ces-run takes its words" ces-run podman -c 1 -m 1 "$image" sh -c 'echo from-ces'
says "from-ces"
claim "ces-pull takes its words" ces-pull podman "" "" "$image"
says "admitted until"

if command -v cwltool >/dev/null; then
  cat >"$work/wf/tool.cwl" <<CWL
cwlVersion: v1.0
class: CommandLineTool
baseCommand: [sh, -c, 'tr a-z A-Z < "\$0"; [ "\$(tail -n +2 /proc/net/route | wc -l)" = 0 ]']
requirements: {DockerRequirement: {dockerPull: "$image"}}
inputs: {text: {type: File, inputBinding: {position: 1}}}
outputs: {out: {type: stdout}}
stdout: loud.txt
CWL
  echo quiet >"$work/wf/in.txt"
  claim "cwltool runs a tool" bash -c "cd '$work/wf' && cwltool --outdir '$work/wf/cwl' tool.cwl --text in.txt"
  [ "$(cat "$work/wf/cwl/loud.txt")" = QUIET ] || die "cwltool's result is wrong"
fi
if command -v snakemake >/dev/null; then
  cat >"$work/wf/Snakefile" <<SM
rule all:
  input: "sm.out"
rule step:
  output: "sm.out"
  shell: "docker run --rm -v \$PWD:/w -w /w $image sh -c 'echo done > {output}'"
SM
  claim "Snakemake runs a rule" bash -c "cd '$work/wf' && snakemake -c1 --nolock"
  [ "$(cat "$work/wf/sm.out")" = done ] || die "Snakemake's result is wrong"
fi
