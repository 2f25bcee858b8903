#!/usr/bin/env bash
# The configuration: checked without a start, shown with where each value came from, read again on SIGHUP.
source "$(dirname "$0")/lib.sh"
need curl openssl
printf 'data: %s\nlog: {level: warn}\n' "$work/data" >"$work/good.yaml"
claim "a sound file is checked without a start" "$PRATIQUE" serve --check-config --config "$work/good.yaml"
claim "and nothing was started or written" test ! -e "$work/data"
printf 'data: %s\nlog: {levle: warn}\n' "$work/data" >"$work/bad.yaml"
refuse "a misspelt setting is found by the check" "$PRATIQUE" serve --check-config --config "$work/bad.yaml"
says 'bad.yaml line 2: there is no setting "log.levle"; did you mean "log.level"?'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=x >/dev/null 2>&1
printf 'tls: {certificate: cert.pem, key: key.pem}\n' >"$work/tls.yaml"
claim "a certificate and its key pass the check" "$PRATIQUE" serve --check-config --config "$work/tls.yaml"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/key.pem"
refuse "a key of another certificate does not" "$PRATIQUE" serve --check-config --config "$work/tls.yaml"
claim "show prints what holds" "$PRATIQUE" admin config show --config "$work/good.yaml" --listen :81
says "good.yaml line 2"
says "--listen"
claim "and in JSON" bash -c '"$PRATIQUE" admin config show --config "$1" --format json |
  python3 -c "import json,sys; s={x[\"key\"]: x for x in json.load(sys.stdin)[\"settings\"]}; assert s[\"log.level\"][\"value\"]==\"warn\" and s[\"listen\"][\"from\"]==\"default\""' - "$work/good.yaml"
claim "the offered file is a configuration" bash -c '"$PRATIQUE" admin config reference --format yaml >"$1" && "$PRATIQUE" serve --check-config --config "$1"' - "$work/offered.yaml"

gate_start <<<'log: {level: warn}'
claim "at level warn no request is logged" bash -c "curl -sS '$url/v2/' && ! grep -q target=/v2/ '$work/serve.log'"
sed -i 's/level: warn/level: info/; $a verdict_wait_seconds: 5' "$work/gate.yaml"
kill -HUP "$server"
claim "SIGHUP takes up what can change" until_true grep -q 'configuration reloaded.*log.level' "$work/serve.log"
claim "and says what waits for a restart" until_true grep -q 'settings wait for a restart.*verdict_wait_seconds' "$work/serve.log"
curl -sS "$url/v2/" >"$work/health.txt"
claim "now requests are logged" until_true grep -q target=/v2/ "$work/serve.log"
echo 'polcy: tre' >>"$work/gate.yaml"
kill -HUP "$server"
claim "a file with an error changes nothing" until_true grep -q 'configuration refused.*did you mean' "$work/serve.log"
claim "and the gate goes on" curl -sSf "$url/readyz"
gate_stop
