#!/usr/bin/env bash
# What keeps a gate healthy while it serves: garbage collection, scrub and healing, quotas, tag rules; by the real commands.
source "$(dirname "$0")/lib.sh"
need curl python3
gate_start <<'YAML'
quotas: {principal_bytes: 1M}
upkeep: {unreferenced_hours: 0, lease_hours: 0, collect_every_seconds: 0, scrub_every_seconds: 0, scrub_bytes_per_second: 0}
namespaces:
  - {name: library, mode: open, immutable_tags: ["v*"], protected_tags: [latest]}
YAML
basic="admin:$admin_password"
push_blob() {  # repository file: its digest
  local digest
  digest="sha256:$(sha256sum <"$2" | cut -d' ' -f1)"
  curl -sS -o "$work/push.txt" -w '%{http_code}' -u "$basic" -X POST --data-binary "@$2" \
    -H 'Content-Type: application/octet-stream' "$url/v2/$1/blobs/uploads/?digest=$digest" >"$work/status.txt"
  echo "$digest"
}
push_image() {  # repository tag layer-file: status of the manifest's push
  local config layer
  printf '{}' >"$work/config.json"
  config=$(push_blob "$1" "$work/config.json")
  layer=$(push_blob "$1" "$3")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":%s}]}' \
    "$config" "$layer" "$(stat -c %s "$3")" >"$work/manifest.json"
  curl -sS -o "$work/push.txt" -w '%{http_code}\n' -u "$basic" -X PUT --data-binary "@$work/manifest.json" \
    -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' "$url/v2/$1/manifests/$2"
}
fetch() { curl -sS -o /dev/null -w '%{http_code}' -u "$basic" "$url/v2/$1"; }
head -c 100000 /dev/urandom >"$work/one"
head -c 100000 /dev/urandom >"$work/two"
head -c 300000 /dev/urandom >"$work/unused"

claim "an image is pushed" bash -c "[ '$(push_image library/a v1 "$work/one")' = 201 ]"
claim "an immutable tag stays where it is" bash -c "[ '$(push_image library/a v1 "$work/two")' = 409 ]"
claim "and the answer says so" grep -q 'immutable' "$work/push.txt"
unused=$(push_blob library/a "$work/unused")
layer="sha256:$(sha256sum <"$work/one" | cut -d' ' -f1)"

as admin admin gc --dry-run --json >"$work/answer.json"
claim "a dry run says what would go: the blobs no manifest names" bash -c "python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[\"blobs\"] == 2 and d[\"bytes\"] == 400000, d' <'$work/answer.json'"
claim "and takes nothing" bash -c "[ '$(fetch "library/a/blobs/$unused")' = 200 ]"
claim "a collection" as admin admin gc
says "2 blobs"
claim "takes them" bash -c "[ '$(fetch "library/a/blobs/$unused")' = 404 ]"
claim "and leaves the image" bash -c "[ '$(fetch "library/a/blobs/$layer")' = 200 ]"
refuse "a submitter may not collect" as ann admin gc

as admin admin quota --json >"$work/answer.json"
claim "quotas are told, with what is used" bash -c "python3 -c 'import json,sys; d={u[\"name\"]: u for u in json.load(sys.stdin)[\"usage\"]}; assert d[\"admin\"][\"bytes\"] == 100002 and d[\"admin\"][\"bytes_max\"] == 1 << 20, d' <'$work/answer.json'"
head -c 2000000 /dev/urandom >"$work/large"
push_blob library/a "$work/large" >/dev/null
claim "what goes beyond one is refused" grep -q 403 "$work/status.txt"
claim "and the answer says what to do" grep -q 'ask the people who run this gate' "$work/push.txt"

file="$work/data/blobs/sha256/${layer:7:2}/${layer:7}"
claim "a sound store is found sound" as admin admin scrub
says "0 are damaged"
printf 'rot' | dd of="$file" bs=1 conv=notrunc status=none
refuse "rot is found" as admin admin scrub
says "library/a@sha256:"
claim "it is set aside" bash -c "[ ! -e '$file' ] && ls '$work/data/quarantine' | grep -q '${layer:7}'"
claim "and served to nobody" bash -c "[ '$(fetch "library/a/blobs/$layer")' = 422 ]"
gate_stop
gate_restart
claim "after a restart it is still known" bash -c "[ '$(fetch "library/a/blobs/$layer")' = 422 ]"
push_blob library/a "$work/one" >/dev/null
claim "a new push heals" bash -c "[ '$(fetch "library/a/blobs/$layer")' = 200 ]"
claim "and the scrub says so" as admin admin scrub --status
says "0 are damaged"
claim "metrics tell of it" bash -c "curl -sS '$url/metrics' | grep -q '^pratique_namespace_bytes{namespace=\"library\"} 100002'"
