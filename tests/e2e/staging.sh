#!/usr/bin/env bash
# A submitter pushes with skopeo, cannot look at what was staged, hears the verdict, and the approved image can be pulled.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox curl
clean_image clean
bad_image bad
gate_start <<<'policy: tre'

claim "a submitter pushes into staging" push ann clean nextflow-staging/ann:1.0
# Debian 12's clients are older than the printing of Warning headers, so the header itself is looked at below.
claim "the verdict is there when the push is over" as ann status "$(newest ann)"
says "waiting for a reviewer"
refuse "what was staged cannot be pulled by its submitter" pull ann nextflow-staging/ann:1.0 stolen
refuse "nor by somebody else" pull rea nextflow-staging/ann:1.0 stolen
refuse "nor listed" skopeo list-tags --tls-verify=false --creds "ann:$(password_of ann)" "docker://$host/nextflow-staging/ann"
layer=$(python3 -c 'import json,sys; m=json.load(open(sys.argv[1])); print(m["layers"][0]["digest"])' "$work/clean/blobs/sha256/$(layout_digest clean | cut -d: -f2)")
claim "nor can a layer be read by its digest" bash -c "[ \$(curl -s -o /dev/null -w '%{http_code}' -u ann:$(password_of ann) $url/v2/nextflow-staging/ann/blobs/$layer) = 403 ]"
refuse "a submitter cannot push below another name" push ann clean nextflow-staging/bob:1.0
refuse "nor into the approved namespace" push ann clean nextflow-approved/ann:1.0
refuse "nor without signing in" skopeo copy --dest-tls-verify=false "oci:$work/clean:latest" "docker://$host/nextflow-staging/ann:1.0"
refuse "an image that waits cannot be pulled yet" pull ann nextflow-approved/ann:1.0 early

id=$(newest ann)
refuse "a submitter cannot approve" as ann review approve "$id"
claim "a reviewer sees it in the list" as rea review list
says "$id"
claim "and approves it" as rea review approve "$id" --note "looks right"
claim "the approved image keeps its tag and can be pulled" pull ann nextflow-approved/ann:1.0 pulled
[ "$(layout_digest pulled)" = "$(layout_digest clean)" ] || die "the pulled image has another digest"
claim "pratique pull fetches it too" as ann pull nextflow-approved/ann:1.0 -o "$work/pulled2"
refuse "a tag that was never approved is refused" pull ann nextflow-approved/ann:9 nothing

claim "an image with a critical vulnerability is pushed" push ann bad nextflow-staging/ann:2.0
bad=$(newest ann)
[ "$(state_of ann "$bad")" = rejected ] || die "the vulnerable image is $(state_of ann "$bad")"
digest=$(layout_digest bad)
claim "the manifest PUT says the verdict in a Warning header" curl -sS -o /dev/null -D - -u "ann:$(password_of ann)" -X PUT \
  -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary "@$work/bad/blobs/sha256/${digest#*:}" \
  "$url/v2/nextflow-staging/ann/manifests/2.0"
says "299 - "
says "/reports/"
bad=$(newest ann)
claim "its report names what to upgrade to" as ann report "$bad"
says "critical"
claim "the report is also a page" as ann report "$bad" --format html -o "$work/report.html"
grep -q '<html' "$work/report.html" || die "the page is no page"
refuse "another submitter cannot read it" bash -c "printf 'password-of-bob\n' | PRATIQUE_USER=admin PRATIQUE_PASSWORD=$admin_password '$PRATIQUE' admin user add bob --role submitter --new-password-stdin >/dev/null && PRATIQUE_USER=bob PRATIQUE_PASSWORD=password-of-bob '$PRATIQUE' report $bad"
says "no submission"
refuse "a rejected image cannot be approved by word of mouth" as rea review approve "$bad" --note please
finding=$(as ann report "$bad" --format json | json '[f["id"] for r in d["reports"] for f in r["findings"] if f["severity"]=="critical"][0]')
claim "a dated waiver brings it before the reviewer again" as rea review waive "$finding" --image nextflow-staging/ann:2.0 --reason "not reachable" --days 5
until_true bash -c "[ \"\$(PRATIQUE_USER=ann PRATIQUE_PASSWORD=password-of-ann '$PRATIQUE' status $bad --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"state\"])')\" = waiting ]" || die "the waiver changed nothing"
claim "the journal's chain holds" as admin admin journal verify
says "holds"
claim "the gate ends cleanly" gate_stop
