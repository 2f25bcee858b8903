#!/usr/bin/env bash
# Base images, from registration to the sentence a researcher reads; policies tried and explained; a project started with init.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox curl git
code() { local want=$1; shift; local got=0; "$@" || got=$?; [ "$got" = "$want" ] || { echo "exit code $got, expected $want"; return 1; }; }
export PRATIQUE work

# An image on another one: its layers, and one more.
on_base() {  # BASE NAME FILE
  cp -r "$work/$1" "$work/$2"
  mkdir -p "$work/own-$2/app"
  echo "$3" >"$work/own-$2/app/$3"
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -C "$work/own-$2" -cf "$work/own-$2.tar" app
  umoci raw add-layer --image "$work/$2:latest" --history.created_by "COPY $3 /app/" "$work/own-$2.tar"
}
clean_image old_base
image new_base debian:12 base-files=12.4+deb12u13 bash=5.2.15-2+b9
image third_base debian:12 base-files=12.4+deb12u14 bash=5.2.15-2+b10
clean_image other
echo other >"$work/root-other/etc/motd" && tar -C "$work/root-other" -cf "$work/other2.tar" etc/motd
on_base old_base on_old main.py
on_base new_base on_new main.py
image none debian:12 base-files=12.4+deb12u12 bash=5.2.15-2+b8 zlib1g=1:1.2.13.dfsg-1
# The advisory data that comes with the program may be older than gen3 accepts; nothing here is about that.
printf 'extends: gen3\nname: site\ndatabase_age_max_days: none\n' >"$work/site.yaml"
gate_start <<CONFIG
policy: $work/site.yaml
housekeeping_seconds: 1
CONFIG

claim "with no base registered, none has to be proven" push ann none nextflow-staging/ann:free
[ "$(state_of ann "$(newest ann)")" = approved ] || die "an image was asked for a base although there is none"

claim "the operator pushes a base image into the open namespace" push admin old_base library/base:12
refuse "a submitter cannot register it" as ann base register library/base:12
claim "an administrator registers it" as admin base register library/base:12 --keep 2
claim "everybody who is signed in sees the list" as ann base list
says "$host/library/base:12"
claim "and the file, without signing in" curl -sSf "$url/bases/allowed_base_images.txt"
says "$host/library/base:12"
claim "the record of layers too" bash -c "curl -sSf $url/bases/approved_img_layers.json | python3 -c 'import json,sys; d=json.load(sys.stdin); assert len(list(d.values())[0]) == 1, d'"

claim "an image on that base is pushed" push ann on_old nextflow-staging/ann:1.0
id=$(newest ann)
[ "$(state_of ann "$id")" = approved ] || die "an image on an allowed base is $(state_of ann "$id")"
claim "its report says what it is built on" as ann report "$id"
says "1 of 2 layers"
claim "an image on none is pushed" push ann none nextflow-staging/ann:2.0
none=$(newest ann)
[ "$(state_of ann "$none")" = rejected ] || die "an image on no base is $(state_of ann "$none")"
claim "and refused with the sentence a researcher needs" bash -c "PRATIQUE_USER=ann PRATIQUE_PASSWORD=password-of-ann '$PRATIQUE' status $none; true"
says "not built on an allowed base image"
says "$host/library/base:12"

claim "the base is rebuilt: a new push of its tag" push admin new_base library/base:12
until_true bash -c "curl -sSf $url/bases/approved_img_layers.json | python3 -c 'import json,sys; assert len(list(json.load(sys.stdin).values())[0]) == 2'" || die "the rebuild was not noticed"
claim "an image on the generation before is still accepted" push ann on_old nextflow-staging/ann:1.1
[ "$(state_of ann "$(newest ann)")" = approved ] || die "a kept generation was refused"
claim "its report says that it is behind" as ann report "$(newest ann)"
says "1 generation old"
claim "the base is rebuilt once more" push admin third_base library/base:12
until_true bash -c "PRATIQUE_USER=ann PRATIQUE_PASSWORD=password-of-ann '$PRATIQUE' base list --format json | python3 -c 'import json,sys; assert len(json.load(sys.stdin)[\"bases\"][0][\"generations\"]) == 3'" || die "the third build was not noticed"
claim "then an image on the first is too old" push ann on_old nextflow-staging/ann:1.2
old=$(newest ann)
[ "$(state_of ann "$old")" = rejected ] || die "an outdated generation was accepted"
claim "and is told to build again" bash -c "PRATIQUE_USER=ann PRATIQUE_PASSWORD=password-of-ann '$PRATIQUE' status $old; true"
says "2 generations old; the newest 2 are accepted"
says "docker build --pull"
claim "an image on the second passes" push ann on_new nextflow-staging/ann:3.0
[ "$(state_of ann "$(newest ann)")" = approved ] || die "a kept generation was refused"

claim "a decision is explained rule by rule" as ann policy explain "$old"
says "on_base_outdated: reject"
says "gen3.yaml line"
claim "a base is starred by hand" as admin base star "$host/library/base:12" --why "being rebuilt for OpenSSL"
claim "those who build on it are told" as ann status "$(newest ann)"
says "being rebuilt for OpenSSL"
claim "and the list has its asterisk" curl -sSf "$url/bases/allowed_base_images.txt"
says "*$host/library/base:12"
claim "the files are exported" as ann base export "$work/bases"
claim "and imported again, which changes nothing" as admin base import "$work/bases/allowed_base_images.txt" "$work/bases/approved_img_layers.json"
says "0 added, 0 changed, 0 removed; 0 generations"
refuse "a damaged list is refused with its line" bash -c "echo 'NO REFERENCE' >$work/bad.txt; PRATIQUE_USER=admin PRATIQUE_PASSWORD=$admin_password '$PRATIQUE' base import $work/bad.txt"
says "line 1"
claim "the star is taken back" as admin base unstar "$host/library/base:12"

printf 'extends: site.yaml\non_base_unproven: review\non_base_outdated: approve\nprojects:\n  ann:\n    checks: {T8: review}\n' >"$work/policy.yaml"
claim "a policy is checked" "$PRATIQUE" policy check "$work/policy.yaml"
says "with 1 projects"
claim "and tried on everything the gate holds" as rea policy test "$work/policy.yaml"
says "would be decided otherwise"
says "$old"
claim "which changed nothing" [ "$(state_of ann "$old")" = rejected ]
refuse "a submitter may not" as ann policy test "$work/policy.yaml"
refuse "a policy with a slip of the finger is refused with its line" bash -c "printf 'extends: gen3\nrejct_at: high\n' >$work/slip.yaml; '$PRATIQUE' policy check $work/slip.yaml"
says "line 2"
claim "the schema is what editors need" bash -c "'$PRATIQUE' policy schema | python3 -m json.tool >/dev/null"
if python3 -c 'import jsonschema, yaml' 2>/dev/null; then
  "$PRATIQUE" policy schema >"$work/schema.json"
  claim "profiles and our policy are valid by it, and the slip is not" python3 - "$work" <<'PY'
import json, subprocess, sys, os, jsonschema, yaml
work = sys.argv[1]
schema = json.load(open(f"{work}/schema.json"))
for name in ("gen3", "tre"):
    jsonschema.validate(yaml.safe_load(subprocess.check_output([os.environ["PRATIQUE"], "policy", "show", name])), schema)
jsonschema.validate(yaml.safe_load(open(f"{work}/policy.yaml")), schema)
try:
    jsonschema.validate(yaml.safe_load(open(f"{work}/slip.yaml")), schema)
except jsonschema.ValidationError:
    sys.exit(0)
sys.exit("the slip is valid")
PY
fi
claim "the journal's chain holds" as admin admin journal verify

# -- a project to start from
for kind in python pytorch r jupyter rstudio julia nextflow; do
  claim "init writes a $kind project" "$PRATIQUE" init "$kind" "$work/projects/$kind"
  git init -q "$work/projects/$kind"
  for profile in general gen3 tre; do
    claim "its Dockerfile passes every $profile check" code 0 "$PRATIQUE" lint --profile "$profile" --fail-on style "$work/projects/$kind"
  done
  claim "its policy is one" "$PRATIQUE" policy check "$work/projects/$kind/policy.yaml"
  claim "its workflow is YAML" python3 -c "import sys; t=open(sys.argv[1]).read(); assert 'pratique lint' in t and '\t' not in t" "$work/projects/$kind/.github/workflows/image.yml"
done
refuse "nothing of yours is overwritten" "$PRATIQUE" init python "$work/projects/python"
says "--force"
claim "an unknown kind is wrong usage" code 2 "$PRATIQUE" init cobol

# -- built images, and editors
claim "a built image is checked" "$PRATIQUE" lint --image "oci:$work/on_new"
says "passed   T1"
claim "a check that blocks fails" code 3 "$PRATIQUE" lint --image "oci:$work/on_new" --block T8,D4
claim "as JSON" bash -c "'$PRATIQUE' lint --image oci:$work/on_new --format json | python3 -c 'import json,sys; assert len(json.load(sys.stdin)[\"checks\"]) == 16'"
claim "an editor is answered" python3 - <<'PY'
import json, os, subprocess
def frame(message):
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
text = "FROM a:1\nUSER x\nADD x.py /app/\n"
messages = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}},
            {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"uri": "file:///nowhere/Dockerfile", "text": text}}},
            {"jsonrpc": "2.0", "id": 2, "method": "shutdown"}, {"jsonrpc": "2.0", "method": "exit"}]
out = subprocess.run([os.environ["PRATIQUE"], "lint", "--lsp"], input=b"".join(map(frame, messages)), stdout=subprocess.PIPE, check=True).stdout
assert out.count(b"Content-Length") == 3 and b"publishDiagnostics" in out and b"DL3020" in out, out
PY
claim "the problem matcher is JSON" bash -c "'$PRATIQUE' lint --problem-matcher | python3 -m json.tool >/dev/null"

if command -v buildah >/dev/null; then
  mkdir "$work/fix" && cd "$work/fix"
  cp "$work/root-none/bin/busybox" busybox
  echo hello >notes.txt
  printf 'FROM scratch\nMAINTAINER ann@example.org\nCOPY busybox /bin/busybox\nADD notes.txt /app/\nCMD /bin/busybox true\n' >Dockerfile
  claim "--fix rewrites" "$PRATIQUE" lint --fix Dockerfile
  grep -q '^COPY notes.txt' Dockerfile || die "ADD was not rewritten"
  if buildah --storage-driver vfs --root "$work/storage" --runroot "$work/runroot" bud --isolation chroot -t fixed . >"$work/last.txt" 2>&1; then
    claims=$((claims + 1)); echo "ok    and what it wrote builds"
  elif grep -qE "operation not permitted|user namespace|permission denied" "$work/last.txt"; then
    echo "note: buildah cannot build in this sandbox"
  else
    die "what --fix wrote does not build"
  fi
fi
claim "the gate ends cleanly" gate_stop
