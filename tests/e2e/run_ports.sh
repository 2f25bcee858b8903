#!/usr/bin/env bash
# An interactive service is reached by its user through 127.0.0.1 of the host, and by nobody else; there is still no route.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox crun python3 curl
[ "$(id -u)" = 0 ] || skip "pratique run needs root"
clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
as rea review approve "$(newest ann)" --note ok >/dev/null
image=nextflow-approved/ann:1.0
PRATIQUE_USER=ann PRATIQUE_PASSWORD="$(password_of ann)" "$PRATIQUE" run -n web -p 8080 "$image" \
  -- sh -c 'mkdir /www; echo hello > /www/index.html; echo draft > /notes; trap "exit 0" TERM; httpd -f -p 127.0.0.1:8080 -h /www & wait' 2>"$work/web.txt" &
job=$!
claim "it says when the service is ready, and where" until_true grep -q 'ready at http' "$work/web.txt"
address=$(sed -n 's/.*ready at \(http[^ ]*\).*/\1/p' "$work/web.txt")
claim "the service answers there" curl -sf "$address/index.html"
says hello
if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
  refuse "another user of the host gets nothing" setpriv --reuid nobody --clear-groups curl -sf -m 5 "$address/index.html"
fi
claim "the record names the port" "$PRATIQUE" jobs --format json
says "-> 8080"
claim "it is stopped" "$PRATIQUE" stop web
wait "$job" || true
claim "files that are lost are listed" grep -q /notes "$work/web.txt"
refuse "afterwards nobody listens" curl -sf -m 2 "$address/"
