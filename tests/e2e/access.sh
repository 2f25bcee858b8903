#!/usr/bin/env bash
# A researcher asks for credentials, staff grant them, they are shown once and end; no secret is left in logs or database.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox curl
clean_image clean
gate_start <<<'policy: tre'

claim "a submitter asks for credentials" as ann request --purpose "torch on a GPU" --delivery afternoon --yes --format json
id=$(json 'd["id"]' <"$work/last.txt")
refuse "not without knowing that they end" as ann request --purpose "torch"
says "--yes"
refuse "nor twice for one repository" as ann request --purpose "torch" --yes
says "$id"
refuse "a submitter cannot grant" as ann grant "$id"
refuse "credentials that are not granted are not shown" as ann credentials "$id"
claim "staff see who waits" as rea requests --state requested
says "torch on a GPU"
claim "and grant it" as rea grant "$id" --format json
link=$(json 'd["link"]' <"$work/last.txt")
claim "opening the link takes nothing" curl -sf "$link"
silent "AWS_SECRET_ACCESS_KEY"
claim "opening it again neither" curl -sf "$link"
claim "the credentials are shown in the terminal" as ann credentials "$id"
says "ECR Repository URI: $host/nextflow-staging/ann"
says "aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin $host/nextflow-staging/ann"
secret=$(sed -n "s/^export AWS_SECRET_ACCESS_KEY='\(.*\)'$/\1/p" "$work/last.txt")
token=$(sed -n "s/^export AWS_SESSION_TOKEN='\(.*\)'$/\1/p" "$work/last.txt")
[ ${#secret} = 40 ] || die "the secret has ${#secret} characters"
refuse "once" as ann credentials "$id"
says "once"
claim "the link is gone with them" test "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$link")" = 410

claim "a key for a machine is made" as ann api-key create "CI" --push-only --format json
key=$(json 'd["secret"]' <"$work/last.txt") key_id=$(json 'd["id"]' <"$work/last.txt")
claim "it pushes to its owner's repository" skopeo copy --dest-tls-verify=false --dest-creds "ann:$key" "oci:$work/clean:latest" "docker://$host/nextflow-staging/ann:1.0"
claim "which uses the grant" as ann requests "$id"
says "used"
refuse "it pushes nowhere else" skopeo copy --dest-tls-verify=false --dest-creds "ann:$key" "oci:$work/clean:latest" "docker://$host/library/x:1.0"
refuse "and opens no account" env PRATIQUE_USER=ann PRATIQUE_PASSWORD="$key" "$PRATIQUE" status
claim "it can be revoked" as ann api-key revoke "$key_id"
refuse "and then opens nothing" skopeo copy --dest-tls-verify=false --dest-creds "ann:$key" "oci:$work/clean:latest" "docker://$host/nextflow-staging/ann:1.1"

claim "a mail is read from standard input" bash -c "printf 'BRH login e-mail or ORCID: ann\nPurpose: more\nI understand that the credentials last one hour: yes\nDelivery: asap\n' | PRATIQUE_USER=ann PRATIQUE_PASSWORD=$(password_of ann) '$PRATIQUE' request --mail --format json"
second=$(json 'd["id"]' <"$work/last.txt")
claim "a request that is not needed is closed" as ann close "$second"
says "unused"
claim "a submitter asks again" as ann request --purpose "again" --yes --format json
third=$(json 'd["id"]' <"$work/last.txt")
refuse "a denial says why" as rea deny "$third"
claim "and then it is denied" as rea deny "$third" --note "no such project"
says "no such project"
claim "the key that secrets are sealed with is changed" env PRATIQUE_USER=admin PRATIQUE_PASSWORD="$admin_password" "$PRATIQUE" admin rotate-key
claim "the journal tells it all, as syslog" as rea admin journal show --event 'access-*' --format syslog --limit 1000
says "access-collected [pratique@32473"
[ "$(stat -c %a "$work/data/secret.key")" = 600 ] || die "the key file is open to others"

link_secret=${link##*/}
gate_stop
for text in "$secret" "$token" "$key" "$link_secret" "$(password_of ann)" "$(password_of rea)" "$admin_password"; do
  refuse "a secret is in no file and no log" grep -rqaF -- "$text" "$work/data" "$work/serve.log"
done
