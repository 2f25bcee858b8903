#!/usr/bin/env bash
# People sign in with an identity provider, a build job with its server's token; both come to what they may do and no more.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox curl openssl python3
clean_image clean
mkdir "$work/idp"
python3 "$root/tests/e2e/oidc_server.py" "$work/idp" >"$work/idp/address" &
idp_process=$!
cleanups+=("kill $idp_process")
until_true test -s "$work/idp/address" || die "the provider did not start"
idp=$(cat "$work/idp/address")
gate_start <<CONFIG
policy: tre
oidc:
  issuer: $idp
  client_id: pratique
workloads:
  - issuer: $idp
    audience: pratique-ci
    subject: 'repo:lab/*:ref:refs/heads/main'
    user: ann
CONFIG

"$PRATIQUE" login --oidc "$url" >"$work/login.txt" 2>&1 &
login=$!
until_true grep -q 'WDJB-MJHT' "$work/login.txt" || die "the code is not shown"
claim "the person confirms the code in a browser" curl -sf "$idp/confirm"
claim "and is signed in" wait "$login"
claim "the key for the day is a password here" env PRATIQUE_USER= PRATIQUE_PASSWORD= "$PRATIQUE" status
claim "the account was made for them" env PRATIQUE_USER=admin PRATIQUE_PASSWORD="$admin_password" "$PRATIQUE" admin user list
says "ann-of-idp"

token_for() { curl -sf "$idp/workload?sub=$1&aud=$2" | json 'd["value"]'; }
workload() { curl -sS -X POST -H 'Content-Type: application/json' -d "{\"token\":\"$1\"}" -o "$work/workload.json" -w '%{http_code}' "$url/api/v1/sign-in/workload"; }
claim "a build job gets keys for its user's repository" test "$(workload "$(token_for repo:lab/tool:ref:refs/heads/main pratique-ci)")" = 201
password=$(json 'd["registry_password"]' <"$work/workload.json")
claim "and pushes" skopeo copy --dest-tls-verify=false --dest-creds "AWS:$password" "oci:$work/clean:latest" "docker://$host/nextflow-staging/ann:ci"
refuse "but not elsewhere" skopeo copy --dest-tls-verify=false --dest-creds "AWS:$password" "oci:$work/clean:latest" "docker://$host/library/x:ci"
claim "another branch's job gets nothing" test "$(workload "$(token_for repo:lab/tool:ref:refs/heads/evil pratique-ci)")" = 403
claim "nor a token for somebody else" test "$(workload "$(token_for repo:lab/tool:ref:refs/heads/main other)")" = 403
claim "nor a token that was changed" test "$(workload "$(token_for repo:lab/tool:ref:refs/heads/main pratique-ci)x")" = 403
