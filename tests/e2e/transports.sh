#!/usr/bin/env bash
# One image, in every place where people keep images: each transport must find the same content.
#
# Where the place keeps the manifest, its digest and its layers' digests are compared. Where it does not (docker save, a
# docker daemon, a directory), the layers must be what the configuration calls them, and the packages the same.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox

# The facts of one target that are compared: "DIGEST|LAYER LAYER…|NAME=VERSION …".
facts() {
  local name=$1
  shift
  "$PRATIQUE" scan "$@" --no-cache --format json >"$work/$name.json" 2>"$work/$name.err" || { cat "$work/$name.err"; return 1; }
  python3 - "$work/$name.json" >"$work/$name.facts" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
print(report["digest"])
print(" ".join(layer["digest"] for layer in report["layers"]))
print(" ".join(sorted(p["name"] + "=" + p["version"] for p in report["packages"])))
print(report["distribution"]["id"], report["distribution"]["version_id"])
PY
}
# Reads a target and compares it with the layout the image came from: all of it, or from a line of the facts on.
same() { facts "$1" "$2" && diff "$work/layout.facts" "$work/$1.facts"; }
same_content() { facts "$1" "$2" && diff <(tail -n +3 "$work/layout.facts") <(tail -n +3 "$work/$1.facts"); }
layers_are_diff_ids() { diff <(sed -n 2p "$work/$1.facts") "$work/diff_ids"; }

clean_image image
claim "a layout is read" facts layout "oci:$work/image:latest"
claim "its digest is the one in its index" test "$(sed -n 1p "$work/layout.facts")" = "$(layout_digest image)"
claim "it has packages" grep -q '^base-files=.* bash=' "$work/layout.facts"
skopeo inspect --config --raw "oci:$work/image:latest" | json '" ".join(d["rootfs"]["diff_ids"])' >"$work/diff_ids"

echo "# files"
claim "a layout without tag is the same" same untagged "oci:$work/image"
claim "a bare directory is guessed to be a layout" same guessed "$work/image"
skopeo copy -q "oci:$work/image:latest" "oci-archive:$work/image.oci.tar:latest"
claim "an oci-archive is the same" same oci-archive "oci-archive:$work/image.oci.tar:latest"
gzip -k "$work/image.oci.tar"
claim "a compressed oci-archive is the same" same oci-archive-gz "oci-archive:$work/image.oci.tar.gz"
skopeo copy -q "oci:$work/image:latest" "docker-archive:$work/image.docker.tar:tool:1"
for target in "docker-archive:$work/image.docker.tar" "docker-archive:$work/image.docker.tar:tool:1" "$work/image.docker.tar"; do
  claim "a docker-archive has the same content: ${target##*/}" same_content docker-archive "$target"
  claim "its layers are what the configuration calls them" layers_are_diff_ids docker-archive
done
claim "the directory of the root file system has the same content" same_content directory "dir:$work/root-image"

echo "# several images in one place"
image other debian:11 bash=5.1-2
umoci tag --image "$work/image:latest" one
skopeo copy -q "oci:$work/other:latest" "oci:$work/image:two"
claim "a tag picks its image" same tagged "oci:$work/image:one"
refuse "no tag is no choice" "$PRATIQUE" scan "oci:$work/image"
says "two"
refuse "an unknown tag is refused" "$PRATIQUE" scan "oci:$work/image:three"
says "one"

echo "# platforms"
python3 - "$work/image" "$(sed -n 1p "$work/layout.facts")" <<'PY'
import hashlib, json, os, shutil, sys
layout, digest = sys.argv[1:]
shutil.copytree(layout, layout + "-multi")
blob = lambda d: os.path.join(layout + "-multi", "blobs", *d.split(":"))
child = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": os.path.getsize(blob(digest))}
on = lambda arch: dict(child, platform={"os": "linux", "architecture": arch})
absent = dict(on("arm64"), digest="sha256:" + "0" * 64)
inner = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [absent, on("amd64")]}).encode()
name = "sha256:" + hashlib.sha256(inner).hexdigest()
open(blob(name), "wb").write(inner)
entry = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": name, "size": len(inner)}
json.dump({"schemaVersion": 2, "manifests": [entry]}, open(layout + "-multi/index.json", "w"))
PY
claim "an index is followed to the platform" same multi "oci:$work/image-multi"
refuse "a platform that is not there is refused" "$PRATIQUE" scan --platform linux/s390x "oci:$work/image-multi"
says "linux/amd64"
refuse "a platform whose manifest is missing is refused" "$PRATIQUE" scan --platform linux/arm64 "oci:$work/image-multi"

echo "# damage"
cp -r "$work/other" "$work/broken"
layer=$(find "$work/broken/blobs/sha256" -type f -size +100k | head -n 1)
printf 'X' | dd of="$layer" bs=1 seek=5000 conv=notrunc status=none
refuse "a layer with one wrong byte is refused" "$PRATIQUE" scan "oci:$work/broken:latest"
says "hash to"
truncate -s -1 "$layer"
refuse "a layer that is too short is refused" "$PRATIQUE" scan "oci:$work/broken:latest"
head -c 100000 "$work/image.oci.tar" >"$work/cut.tar"
refuse "an archive that is cut short is refused" "$PRATIQUE" scan "oci-archive:$work/cut.tar"
says "cut short"
refuse "a docker-archive is no oci-archive" "$PRATIQUE" scan "oci-archive:$work/image.docker.tar"
says "docker-archive:"

if command -v docker-registry >/dev/null; then
  echo "# a registry"
  for attempt in 1 2 3; do  # a free port may be taken by somebody else before the registry has it
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$work/registry.yml" <<YML
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$port"}
YML
    # It takes every variable REGISTRY_… for its own configuration, ours for skopeo too.
    env -u REGISTRY_AUTH_FILE docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
    registry=$!
    cleanups+=("kill $registry 2>/dev/null")
    until_true curl -sf --noproxy '*' "http://127.0.0.1:$port/v2/" && kill -0 "$registry" && break
    [ "$attempt" -lt 3 ] || { cat "$work/registry.log"; die "docker-registry did not start"; }
  done
  skopeo copy -q --dest-tls-verify=false "oci:$work/image:one" "docker://127.0.0.1:$port/team/tool:1"
  claim "a registry's tag is the same" same registry "docker://127.0.0.1:$port/team/tool:1"
  claim "a registry's digest is the same" same registry-digest "docker://127.0.0.1:$port/team/tool@$(sed -n 1p "$work/layout.facts")"
  refuse "a tag that is not there is refused" "$PRATIQUE" scan "docker://127.0.0.1:$port/team/tool:2"
  says "MANIFEST_UNKNOWN"
else
  echo "SKIPPED: docker-registry is not installed"
fi

if command -v podman >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "# podman's storage"
  printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/pod"\nrunroot = "%s/podrun"\n' "$work" "$work" >"$work/storage.conf"
  export CONTAINERS_STORAGE_CONF="$work/storage.conf"
  cleanups+=("umount '$work/pod/'* 2>/dev/null")
  id=$(podman pull -q "oci:$work/image:one")
  podman tag "$id" localhost/tool:1
  claim "containers-storage has the same content" same_content storage containers-storage:localhost/tool:1
  refuse "an image it has not is refused" "$PRATIQUE" scan containers-storage:localhost/none:1
  says "not known"
else
  echo "SKIPPED: podman needs to be installed and run as root here"
fi

if command -v dockerd >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "# a docker daemon"
  docker_work=$(mktemp -d /tmp/dk.XXXX)  # socket paths end at 107 characters
  cleanups+=("[ ! -e $docker_work/pid ] || kill \$(cat $docker_work/pid)" "until_true test ! -e $docker_work/pid" "rm -rf $docker_work")
  dockerd --data-root "$docker_work/data" --exec-root "$docker_work/exec" --pidfile "$docker_work/pid" -H "unix://$docker_work/s" \
    --iptables=false --ip6tables=false --bridge=none --storage-driver overlay2 >"$docker_work/log" 2>&1 &
  export DOCKER_HOST="unix://$docker_work/s"
  until_true docker version || { tail -n 5 "$docker_work/log"; die "dockerd did not start"; }
  docker load -q -i "$work/image.docker.tar" >/dev/null
  claim "a docker daemon has the same content" same_content daemon docker-daemon:tool:1
  claim "its layers are what the configuration calls them" layers_are_diff_ids daemon
  docker save tool:1 -o "$work/saved.tar"
  claim "what docker saved has the same content" same_content saved "docker-archive:$work/saved.tar"
  refuse "an image it has not is refused" "$PRATIQUE" scan docker-daemon:none:1
  says "no image"
else
  echo "SKIPPED: dockerd needs to be installed and run as root here"
fi

refuse "what is no image is refused with the forms there are" "$PRATIQUE" scan no-such-thing:1
says "docker://"
