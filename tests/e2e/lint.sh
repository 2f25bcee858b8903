#!/usr/bin/env bash
# The Dockerfile checks from the command line: reports, exit codes, fixes, ignores.
source "$(dirname "$0")/lib.sh"
code() { local want=$1; shift; local got=0; "$@" || got=$?; [ "$got" = "$want" ] || { echo "exit code $got, expected $want"; return 1; }; }
python_says() { python3 -c "import json,sys; d=json.load(open(sys.argv[1])); assert $1, d" "$2"; }
mkdir -p "$work/project"
cd "$work/project"

cat >Dockerfile <<'EOF'
FROM python:3.12-slim
MAINTAINER ann@example.org
RUN apt-get update && apt-get install -y graphviz
ADD main.py /app/main.py
CMD python3 /app/main.py
EOF
claim "a sane Dockerfile is advised on and passes" code 0 "$PRATIQUE" lint Dockerfile
says 'Dockerfile:4:1: warning DL3020: '
says '    4 | ADD main.py /app/main.py'
says '      | ^^^'
claim "the tre profile adds the environment's checklist" code 0 "$PRATIQUE" lint --profile tre .
says 'warning T1: no RUN makes /safe_data, /safe_outputs, /scratch'
claim "what a project blocks fails" code 3 "$PRATIQUE" lint --profile tre --block T1,D1 Dockerfile
says 'error T1'
claim "--fail-on moves the line" code 3 "$PRATIQUE" lint --fail-on warning Dockerfile
claim "config is the same command" code 3 "$PRATIQUE" config --block DS005 Dockerfile
claim "standard input is read" bash -c 'printf "FROM a:1\nEXPOSE 70000\n" | "$PRATIQUE" lint - ; [ $? = 3 ]'
says '-:2:8: error DL3011'
claim "several files are checked one after another" code 0 "$PRATIQUE" lint Dockerfile Dockerfile

for form in json sarif hadolint trivy; do
  claim "$form is written to a file" code 0 "$PRATIQUE" lint --format $form -o $form.json Dockerfile
done
claim "our JSON counts" python_says 'd["version"] == 1 and d["files"][0]["counts"]["error"] == 0' json.json
claim "SARIF names its version" python_says 'd["version"] == "2.1.0" and d["runs"][0]["results"]' sarif.json
claim "hadolint's names" python_says '"DL3020" in [f["code"] for f in d]' hadolint.json
claim "Trivy's names" python_says '"DS-0005" in [f["ID"] for f in d["Results"][0]["Misconfigurations"]]' trivy.json
claim "annotations for GitHub" "$PRATIQUE" lint --format github Dockerfile
says '::warning file=Dockerfile,line=4,'

claim "--fix --dry-run shows and does not write" "$PRATIQUE" lint --fix --dry-run Dockerfile
says '+COPY main.py /app/main.py'
claim "the file is as it was" grep -q '^ADD main.py' Dockerfile
cp Dockerfile before
claim "--fix writes" "$PRATIQUE" lint --fix Dockerfile
claim "and what it wrote has the findings no more" bash -c '! "$PRATIQUE" lint Dockerfile | grep -E "DL3020|DL3025|DL4000|DL3009|DL3015"'
"$PRATIQUE" lint --fix --dry-run before 2>&1 >/dev/null | sed '/^before:/d' >fix.patch
claim "the difference is one patch applies" bash -c 'patch -s before <fix.patch && cmp before Dockerfile'
claim "fixing again changes nothing" bash -c 'cp Dockerfile once && "$PRATIQUE" lint --fix Dockerfile && cmp once Dockerfile'
claim "a fixed standard input comes out" bash -c 'printf "FROM a:1\nADD x.py /\n" | "$PRATIQUE" lint --fix - 2>/dev/null | grep -q "^COPY x.py /"'

printf 'FROM a:1\nUSER x\nWORKDIR app\n' >relative
claim "an ignore file with a reason is heeded" bash -c 'echo "DL3000 the base sets it" >.pratiqueignore; "$PRATIQUE" lint --fail-on warning relative'
says '1 ignored'
echo 'DL3000' >.pratiqueignore
claim "one without a reason is wrong usage" code 2 "$PRATIQUE" lint relative
says 'without a reason'
rm .pratiqueignore
claim "a rule is explained by any of its names" "$PRATIQUE" lint --explain AVD-DS-0005
says '# DL3020'
claim "an unknown rule is wrong usage" code 2 "$PRATIQUE" lint --explain DL9999
claim "so is an unknown format" code 2 "$PRATIQUE" lint --format yaml Dockerfile
claim "and no file at all" code 2 "$PRATIQUE" lint
claim "a file that is not there is a failure" code 1 "$PRATIQUE" lint nowhere
claim "bytes that are no text are errors, not a crash" bash -c 'head -c 20000 /dev/urandom >noise; "$PRATIQUE" lint noise >out; [ $? = 3 ]'
