#!/usr/bin/env bash
# Bad input against a running gate: each is refused with a sentence that says what is wrong, or is inspected and not approved.
source "$(dirname "$0")/lib.sh"
need curl python3 zstd gzip tar
gate_start <<<'policy: gen3'
repository=nextflow-staging/ann
v2="$url/v2/$repository"

sum() { echo "sha256:$(sha256sum <"$1" | cut -d' ' -f1)"; }
request() { curl -sS -w '\nHTTP %{http_code}\n' -u "ann:$(password_of ann)" "$@"; }
answered() { local status=$1; shift; says "HTTP $status"; for text in "$@"; do says "$text"; done; }
upload() { request -X POST -H 'Content-Type: application/octet-stream' --data-binary "@$1" "$v2/blobs/uploads/?digest=$(sum "$1")"; }
put_manifest() { request -X PUT -H "Content-Type: ${3:-application/vnd.oci.image.manifest.v1+json}" --data-binary "@$1" "$v2/manifests/$2"; }
session() { curl -sS -o /dev/null -D - -u "ann:$(password_of ann)" -X POST "$v2/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p' | sed "s#^/#$url/#"; }

# An image of the given layers: media type, file, and what the configuration says its content hashes to ("" for the truth).
cat >"$work/compose.py" <<'PY'
import hashlib, json, subprocess, sys
out, triples = sys.argv[1], [sys.argv[i:i + 3] for i in range(2, len(sys.argv), 3)]
name = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()
def content(path, data):
    tool = ["gzip", "-dc"] if data[:2] == b"\x1f\x8b" else ["zstd", "-dc"] if data[:4] == b"\x28\xb5\x2f\xfd" else ["cat"]
    return subprocess.run(tool, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
layers, diffs = [], []
for media, path, claimed in triples:
    data = open(path, "rb").read()
    layers.append({"mediaType": media, "digest": name(data), "size": len(data)})
    diffs.append(claimed or name(content(path, data)))
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diffs}}).encode()
open(out + ".config", "wb").write(config)
json.dump({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers,
           "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": name(config), "size": len(config)}}, open(out + ".manifest", "w"))
PY
tar_layer=application/vnd.oci.image.layer.v1.tar
submit_layers() {  # tag, then media type, file and claimed diffID of each layer
  local tag=$1 i
  shift
  python3 "$work/compose.py" "$work/$tag" "$@"
  for ((i = 2; i <= $#; i += 3)); do upload "${!i}" >/dev/null; done
  upload "$work/$tag.config" >/dev/null
  put_manifest "$work/$tag.manifest" "$tag"
}
# The gate takes the push, and neither approves the image nor hides why.
not_judged() {  # what, tag, text of the report, layers…
  local what=$1 tag=$2 text=$3 id
  shift 3
  claim "$what is taken" submit_layers "$tag" "$@"
  says 'HTTP 201'
  id=$(newest ann)
  [ "$(state_of ann "$id")" != approved ] || die "$what was approved"
  claim "$what is in the report" as ann report "$id"
  says "$text"
}

mkdir -p "$work/root/etc" "$work/root/var/lib/dpkg"
printf 'ID=debian\nVERSION_ID="12"\n' >"$work/root/etc/os-release"
printf 'Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u12\n\n' >"$work/root/var/lib/dpkg/status"
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -C "$work/root" -cf "$1" .; }
pack "$work/good.tar"
gzip -nk "$work/good.tar"
good=("$tar_layer+gzip" "$work/good.tar.gz" "")
claim "an honest image is pushed" submit_layers honest "${good[@]}"
[ "$(state_of ann "$(newest ann)")" = approved ] || die "the honest image was not approved: the rest would prove nothing"

# Uploads.
wrong="sha256:$(printf 0%.0s $(seq 64))"
claim "a wrong digest is answered" request -X POST -H 'Content-Type: application/octet-stream' --data-binary hello "$v2/blobs/uploads/?digest=$wrong"
answered 400 DIGEST_INVALID 'digest mismatch'
claim "a digest that is none is answered" request -X POST --data-binary hello "$v2/blobs/uploads/?digest=sha256:xyz"
answered 400 DIGEST_INVALID
to=$(session)
claim "a first chunk is taken" request -X PATCH -H 'Content-Range: 0-4' -H 'Content-Type: application/octet-stream' --data-binary hello "$to"
answered 202
claim "a chunk from further on is answered" request -X PATCH -H 'Content-Range: 9-13' -H 'Content-Type: application/octet-stream' --data-binary world "$to"
answered 416 'BLOB_UPLOAD'
claim "a chunk that is longer than it says is answered" request -X PATCH -H 'Content-Range: 5-6' -H 'Content-Type: application/octet-stream' --data-binary world "$to"
answered 400 SIZE_INVALID
claim "a chunk that breaks off leaves what was acknowledged" python3 - "$to" "ann:$(password_of ann)" <<'PY'
import base64, socket, sys, urllib.parse
url, who = urllib.parse.urlsplit(sys.argv[1]), base64.b64encode(sys.argv[2].encode()).decode()
with socket.create_connection((url.hostname, url.port)) as peer:
    peer.sendall(f"PATCH {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Basic {who}\r\nContent-Length: 500\r\n\r\nworl".encode())
PY
# The request that broke off still writes down what it had when the next one comes: that one hears 409 for a moment.
is_free() { request "$to" | grep -qx 'HTTP 204'; }
claim "the upload can still be asked about" until_true is_free
claim "a truncated upload is no blob" request -X PUT "$to$([[ $to == *\?* ]] && echo '&' || echo '?')digest=$(printf 'hello world' | sha256sum | sed 's/ .*//;s/^/sha256:/')"
answered 400 DIGEST_INVALID

# Manifests.
python3 "$work/compose.py" "$work/missing" "$tar_layer" <(echo nobody sent this) ""
claim "a manifest that names missing blobs is answered" put_manifest "$work/missing.manifest" missing
answered 404 MANIFEST_BLOB_UNKNOWN 'sha256:'
python3 -c 'print("{\"a\":" * 100000 + "1" + "}" * 100000)' >"$work/deep.json"
claim "deep JSON is answered" put_manifest "$work/deep.json" deep
answered 413 "nested deeper"
python3 -c 'print("{\"schemaVersion\":2,\"x\":\"" + "y" * (5 << 20) + "\"}")' >"$work/huge.json"
claim "a manifest beyond 4 MiB is answered" put_manifest "$work/huge.json" huge
answered 413 '4194304'
python3 -c 'print("[" + "0," * 1900000 + "0]")' >"$work/many.json"
claim "two million values are answered" put_manifest "$work/many.json" many
answered 413 SIZE_INVALID
claim "what is no JSON is answered" put_manifest "$work/good.tar.gz" garbage
answered 400 MANIFEST_INVALID
claim "a media type that is no manifest's is answered" put_manifest "$work/honest.manifest" odd text/plain
answered 400 MANIFEST_INVALID

# Layers.
python3 - "$work/bomb.tar" <<'PY'
import sys, tarfile
entry = tarfile.TarInfo("zeros")
entry.size = 512 << 20
open(sys.argv[1], "wb").write(entry.tobuf())
PY
{ cat "$work/bomb.tar"; head -c 512M /dev/zero; } | zstd -q -c >"$work/bomb.tar.zst"
not_judged "a zstd bomb" bomb "times its size" "${good[@]}" "$tar_layer+zstd" "$work/bomb.tar.zst" "$wrong"
head -c -9 "$work/good.tar.gz" >"$work/short.tar.gz"
not_judged "a truncated gzip layer" short "ends in the middle" "$tar_layer+gzip" "$work/short.tar.gz" ""
{ cat "$work/good.tar.gz"; echo tail; } >"$work/tail.tar.gz"
not_judged "trailing garbage" tail "follow the compressed data" "$tar_layer+gzip" "$work/tail.tar.gz" ""
{ head -c 1500 "$work/good.tar" | gzip -n; tail -c +1501 "$work/good.tar" | gzip -n; } >"$work/members.tar.gz"
claim "a stream of two members is pushed" submit_layers members "$tar_layer+gzip" "$work/members.tar.gz" ""
[ "$(state_of ann "$(newest ann)")" = approved ] || die "a second gzip member was not read"
python3 - "$work" <<'PY'
import io, sys, tarfile
work = sys.argv[1]
def write(name, *entries, edit=None):
    with tarfile.open(f"{work}/{name}.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for entry, data in entries:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    if edit:
        data = bytearray(open(f"{work}/{name}.tar", "rb").read())
        edit(data)
        open(f"{work}/{name}.tar", "wb").write(data)
def entry(name, type=tarfile.REGTYPE):
    made = tarfile.TarInfo(name)
    made.type = type
    return made
write("dotdot", (entry("../../etc/passwd"), b"x"))
write("devices", (entry("dev/sda", tarfile.BLKTYPE), b""), (entry("odd", b"Y"), b""))
write("checksum", (entry("a"), b"x"), (entry("b"), b"x"), edit=lambda d: d.__setitem__(1024 + 148, d[1024 + 148] ^ 1))
write("stanza", (entry("var/lib/dpkg/status"), b"Package: openssl\nVersion 1.1.1\nStatus: install ok installed\n\n"))
PY
not_judged "a name that leaves the root" dotdot "leaves the image's root" "${good[@]}" "$tar_layer" "$work/dotdot.tar" ""
not_judged "an entry of an unknown type" devices "an entry of type" "${good[@]}" "$tar_layer" "$work/devices.tar" ""
not_judged "a header with a bad checksum" checksum "checksum" "${good[@]}" "$tar_layer" "$work/checksum.tar" ""
not_judged "a broken dpkg stanza" stanza "is no field" "${good[@]}" "$tar_layer" "$work/stanza.tar" ""
not_judged "a layer whose diffID lies" liar "the configuration promises" "$tar_layer+gzip" "$work/good.tar.gz" "$wrong"
not_judged "an unknown media type" strange "is no layer we know" "${good[@]}" application/x-strange "$work/good.tar.gz" ""
not_judged "an encrypted layer" secret "encrypted" "${good[@]}" "$tar_layer+gzip+encrypted" "$work/short.tar.gz" "$wrong"
printf 'ID=alpine\nVERSION_ID=3.19.1\n' >"$work/root/etc/os-release"
pack "$work/dressed.tar"
not_judged "packages of another distribution's kind" dressed "apk packages only" "$tar_layer" "$work/dressed.tar" ""

# Scanning here holds to the same rule.
rm "$work/root/etc/os-release"
code() { local want=$1; shift; local got=0; "$@" || got=$?; [ "$got" = "$want" ] || { echo "exit code $got, expected $want"; return 1; }; }
claim "what cannot be judged does not pass --fail-on" code 3 "$PRATIQUE" scan "dir:$work/root" --fail-on critical
claim "without a home there is no cache in a place for all" code 0 env -u HOME -u XDG_CACHE_HOME TMPDIR="$work" "$PRATIQUE" scan "dir:$work/root"
[ -z "$(find /tmp/.cache/pratique -newer "$work/good.tar" 2>/dev/null)" ] || die "inventories were kept in /tmp"

# Credentials.
claim "no credentials are answered with a challenge" curl -sS -D - -w 'HTTP %{http_code}\n' "$v2/tags/list"
answered 401 'Basic realm='
claim "a wrong password is answered" curl -sS -w '\nHTTP %{http_code}\n' -u ann:wrong-password "$v2/tags/list"
answered 401 UNAUTHORIZED
claim "a token that is none is answered" curl -sS -w '\nHTTP %{http_code}\n' -H 'Authorization: Bearer nonsense' "$v2/tags/list"
answered 401 UNAUTHORIZED
claim "the gate still works" submit_layers after "${good[@]}"
says 'HTTP 201'
claim "the gate ends cleanly" gate_stop
