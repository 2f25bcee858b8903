#!/usr/bin/env bash
# kill -9 of the gate during pushes and promotions: nothing acknowledged is lost, nothing unacknowledged is visible.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox curl
clean_image clean
gate_start <<<'policy: gen3'

acknowledged=()
for round in 1 2 3 4 5 6; do
  tag="r$round"
  ( push ann clean "nextflow-staging/ann:$tag" >"$work/push-$tag.txt" 2>&1 && touch "$work/acknowledged-$tag" ) &
  pusher=$!
  # Each round kills a little later in the push, so that together they cover its steps.
  python3 -c "import time; time.sleep($round * 0.06)" # the kill has to land at some moment; every moment must be fine
  gate_kill
  wait "$pusher" || true
  gate_restart
  [ ! -e "$work/acknowledged-$tag" ] || acknowledged+=("$tag")
done
echo "${#acknowledged[@]} of 6 pushes were acknowledged before the kill"
claim "a push after the crashes works" push ann clean nextflow-staging/ann:after
for tag in "${acknowledged[@]}" after; do
  settled() { [ "$(as ann status --format json | json "[s['state'] for s in d['submissions'] if s['tag']=='$tag'][0]")" != staged ]; }
  claim "the acknowledged $tag is judged after the restart" until_true settled
done
gate_kill
gate_restart
claim "the journal's chain holds after every crash" as admin admin journal verify
says "holds"
claim "every blob on disk has the name of its bytes" bash -c "
  find '$work/data/blobs/sha256' -type f | while read -r file; do
    [ \"\$(sha256sum <\"\$file\" | cut -d' ' -f1)\" = \"\$(basename \"\$file\")\" ] || { echo \"\$file is wrong\"; exit 1; }
  done"
claim "the database is whole" bash -c "sqlite3 '$work/data/pratique.db' 'PRAGMA integrity_check' | grep -qx ok"
