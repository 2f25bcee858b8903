#!/usr/bin/env bash
# What signing costs: requests per second of signed and password-bearing requests beside anonymous ones on the same server
# in the same run, and how fast credentials are issued. Prints, asserts nothing; the aim is a ratio of at least 0.7.
#
#   bench/aws.sh            needs: packaging/install build run bench
set -euo pipefail
cd "$(dirname "$0")/.."
PRATIQUE=${PRATIQUE:-$PWD/build/release/pratique}
[ -x "$PRATIQUE" ] || { echo "build the release first: ./demo"; exit 1; }
command -v wrk >/dev/null || { echo "wrk is missing: packaging/install bench"; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/pratique-bench.XXXXXX")
server=''
trap '[ -z "$server" ] || kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
printf 'data: %s\nlisten: 127.0.0.1:5903\nlog: {level: error}\naws: {account: "123456789012"}\n' "$work/data" >"$work/gate.yaml"
"$PRATIQUE" serve --config "$work/gate.yaml" >"$work/gate.out" 2>"$work/gate.log" &
server=$!
for _ in $(seq 100); do grep -q '^Listening' "$work/gate.out" 2>/dev/null && break; read -rt 0.1 <> <(:) || true; done
password=$(sed -n 's/^Administrator: user admin, password \([^ ]*\).*/\1/p' "$work/gate.out")
url=http://127.0.0.1:5903
curl -sf -u "admin:$password" -H 'Content-Type: application/json' -d '{"name":"ann","password":"password-of-ann","roles":["submitter"]}' "$url/api/v1/users" >/dev/null
curl -sf -u "admin:$password" -H 'Content-Type: application/json' -d '{}' "$url/api/v1/aws/keys" >"$work/keys.json"

# A signature is good for five minutes and has no nonce, so one request is sent over and over.
python3 - "$work" <<'PY'
import datetime, hashlib, hmac, json, sys
work = sys.argv[1]
keys = json.load(open(f"{work}/keys.json"))
def script(name, service, body, headers):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "host": "127.0.0.1:5903", "x-amz-date": now, "x-amz-security-token": keys["session_token"]}
    names = ";".join(sorted(headers))
    canonical = "POST\n/\n\n" + "".join(f"{k}:{headers[k]}\n" for k in sorted(headers)) + f"\n{names}\n" + hashlib.sha256(body.encode()).hexdigest()
    scope = f"{now[:8]}/us-east-1/{service}/aws4_request"
    key = ("AWS4" + keys["secret_access_key"]).encode()
    for part in scope.split("/"): key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={keys['access_key_id']}/{scope}, SignedHeaders={names}, Signature={signature}"
    lines = "".join(f'wrk.headers["{k}"] = "{v}"\n' for k, v in headers.items() if k != "host")
    open(f"{work}/{name}.lua", "w").write(f'wrk.method = "POST"\nwrk.body = [[{body}]]\n{lines}')
form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
script("identity", "sts", "Action=GetCallerIdentity&Version=2011-06-15", form)
script("role", "sts", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/ann-ECRUploadRole&RoleSessionName=ann", form)
script("repositories", "ecr", "{}", {"content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry"})
open(f"{work}/form.lua", "w").write('wrk.method = "POST"\nwrk.body = "Action=GetCallerIdentity&Version=2011-06-15"\nwrk.headers["content-type"] = "application/x-www-form-urlencoded"\n')
PY
rate() { wrk -t1 -c16 -d"${BENCH_SECONDS:-4}s" "$@" | awk '/Requests\/sec/ {print $2} /Non-2xx/ {print "refused:" $0 >"/dev/stderr"}'; }
basic="Authorization: Basic $(printf 'admin:%s' "$password" | base64 -w0)"
token=$(curl -sf -u "admin:$password" "$url/v2/token" | python3 -c 'import json,sys; print(json.load(sys.stdin)["token"])')
row() { awk -v name="$1" -v rate="$2" -v base="$3" 'BEGIN {printf "%-52s %10.0f /s  %5.2f of anonymous\n", name, rate, rate / base}'; }
anonymous=$(rate "$url/api/v1/version")
row "anonymous GET /api/v1/version" "$anonymous" "$anonymous"
row "signed GetCallerIdentity" "$(rate -s "$work/identity.lua" "$url/")" "$anonymous"
row "signed ECR DescribeRegistry" "$(rate -s "$work/repositories.lua" "$url/")" "$anonymous"
row "GET /v2/ with a password" "$(rate -H "$basic" "$url/v2/")" "$anonymous"
row "GET /v2/ with a bearer token" "$(rate -H "Authorization: Bearer $token" "$url/v2/")" "$anonymous"
row "issue: bearer tokens (GET /v2/token)" "$(rate -H "$basic" "$url/v2/token")" "$anonymous"
row "issue: keys for pushing (AssumeRole)" "$(rate -s "$work/role.lua" "$url/")" "$anonymous"
