#!/usr/bin/env bash
# What an operator relies on: health, metrics, TLS, one server a directory, clean ends, passwords, clear refusals to start.
source "$(dirname "$0")/lib.sh"
need curl openssl
gate_start <<<'policy: gen3'

claim "health needs no account" curl -sSf "$url/healthz"
claim "readiness needs none either" curl -sSf "$url/readyz"
claim "metrics speak Prometheus" curl -sSf "$url/metrics"
says "pratique_http_requests_total"
says "pratique_advisories_age_seconds"
claim "every answer carries a request id" bash -c "curl -sSI '$url/healthz' | grep -qi '^x-request-id: [0-9a-f]\{16\}'"
claim "an unknown path is a 404 in JSON" bash -c "curl -sS '$url/nothing' | python3 -c 'import json,sys; assert json.load(sys.stdin)[\"error\"]'"
refuse "a second server on the same data is refused" "$PRATIQUE" serve --data "$work/data" --listen 127.0.0.1:0
says "another pratique serves from"
refuse "an address in use is refused" "$PRATIQUE" serve --data "$work/data2" --listen "$host"
says "Address already in use"
refuse "a misspelt setting is refused with its line" "$PRATIQUE" serve --config <(printf 'data: %s\npolcy: gen3\n' "$work/data3")
says "line 2"
refuse "a policy that does not exist is refused" "$PRATIQUE" serve --config <(printf 'data: %s\npolicy: nope\n' "$work/data3")
says "neither gen3 nor tre"

refuse "a wrong password is refused" env PRATIQUE_USER=ann PRATIQUE_PASSWORD=wrong-password "$PRATIQUE" status
refuse "and so is an unknown user, in the same words" env PRATIQUE_USER=nobody PRATIQUE_PASSWORD=wrong-password "$PRATIQUE" status
claim "login stores credentials" bash -c "printf 'password-of-ann\n' | '$PRATIQUE' login '$url' --user ann --password-stdin"
says "ann (submitter, runner)"
claim "and later commands need nothing else" env -u PRATIQUE_SERVER "$PRATIQUE" status
claim "the stored credentials are for the user's eyes only" bash -c "[ \"\$(stat -c %a '$PRATIQUE_AUTH_FILE')\" = 600 ]"
claim "an administrator disables a user" as admin admin user disable ann
refuse "who is then refused at once" as ann status
claim "and lets them in again" as admin admin user enable ann
claim "who then may sign in" as ann status
refuse "a submitter may not list users" as ann admin user list
claim "the offline password reset works beside a running gate" bash -c "printf 'another-password\n' | '$PRATIQUE' admin user password ann --offline --data '$work/data' --new-password-stdin"
gate_stop
claim "the end was clean" grep -q 'serving ended' "$work/serve.log"
claim "no password is in the log" bash -c "! grep -e password-of -e '$admin_password' '$work/serve.log'"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 \
  -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' >/dev/null 2>&1
printf 'data: %s\nlisten: 127.0.0.1:0\ntls: {certificate: %s, key: %s}\n' "$work/data" "$work/cert.pem" "$work/key.pem" >"$work/gate.yaml"
gate_run
claim "TLS works with an own certificate" env -u CURL_CA_BUNDLE curl -sSf --cacert "$work/cert.pem" "$url/healthz"
claim "the users of the first run are still there" env -u CURL_CA_BUNDLE curl -sSf --cacert "$work/cert.pem" -u ann:another-password "$url/api/v1/whoami"
gate_stop
