#!/usr/bin/env bash
# A rehearsal says what would go wrong inside, with the fix, for an image nobody has approved.
source "$(dirname "$0")/lib.sh"
need umoci busybox crun python3
[ "$(id -u)" = 0 ] || skip "rehearsing needs root"
clean_image tool
rehearse() { "$PRATIQUE" rehearse "oci:$work/tool:latest" "$@"; }
mkdir "$work/data"; echo 1,2 >"$work/data/in.csv"

claim "a well-behaved image would run" rehearse --data "$work/data" -- sh -c 'cat /safe_data/in.csv > /safe_outputs/out'
says "It would run inside"
says "works as an ordinary user"
refuse "one that needs the network would not" rehearse --quick -- sh -c 'nslookup pypi.org; exit 4'
says "pypi.org"
says "Install Python packages while building"
says "exit code 4"
code=0; rehearse --quick -- cat /safe_data/patients.csv >"$work/report.txt" 2>&1 || code=$?
claim "what blocks is exit code 3" [ "$code" = 3 ]
claim "missing input is named" grep -F /safe_data/patients.csv "$work/report.txt"
claim "files outside the directories are named" rehearse --quick -- sh -c 'echo x > /tmp/lost; mkdir -p /root/.cache/huggingface; echo y > /root/.cache/huggingface/m'
says "/tmp/lost"
says "HF_HOME"
refuse "a shell that waits for somebody does not work" rehearse --quick --entrypoint sh
says "waits for somebody to type"
refuse "too little memory is found" rehearse --quick -m 32M -- sh -c 'x=$(head -c 100000000 /dev/zero | tr "\0" x); echo ${#x}'
says "--memory"
refuse "a job that does not end is found" rehearse --quick --time 2s -- sleep 60
says "did not end within 2 s"
claim "a service is told from that" rehearse --quick --time 3s -- nc -l -p 8888
says "pratique run -p 8888"
claim "a need for root is found" rehearse --fail-on never -- sh -c 'touch /tmp/f && chown 1000 /tmp/f'
says "only root may do"
claim "what works for root alone is found" rehearse --fail-on never -- touch /made-by-root
says "fails as an ordinary user"
claim "JSON has findings with fixes" bash -c "'$PRATIQUE' rehearse 'oci:$work/tool:latest' --quick --format json -- true 2>/dev/null | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[\"verdict\"] in (\"good\",\"hint\") and len(d[\"findings\"])>3, d'"
claim "nothing of it is left" bash -c "[ -z \"\$(ls '$PRATIQUE_DATA/run/jobs')\" ]"
refuse "neither image nor Dockerfile is a mistake" "$PRATIQUE" rehearse
