# What every end-to-end test shares: a gate on loopback, small real images, and words for claims. Sourced.
#
#   gate_start [config lines on stdin]   starts a gate; sets $url $host $admin_password; users ann (submitter, runner), rea (reviewer)
#   gate_stop, gate_kill, gate_restart   ends it politely, with SIGKILL, and starts it again on the same data
#   image NAME DISTRO PACKAGE=VERSION…   an OCI layout of busybox with that os-release and dpkg database: $work/NAME
#   claim "sentence" command…            runs the command; fails the test when it fails
#   refuse "sentence" command…           the same, for commands that must fail
set -euo pipefail
: "${PRATIQUE:?set PRATIQUE to the built program}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# Lower case, because podman reads an upper-case letter in "oci:PATH" as a bad reference.
work="${TMPDIR:-/tmp}/pq.$(od -An -N5 -tx1 /dev/urandom | tr -d ' ')"
mkdir -m 755 "$work"
export HOME="$work/home" XDG_CONFIG_HOME="$work/config" XDG_CACHE_HOME="$work/cache" PRATIQUE_DATA="$work/local"
export REGISTRY_AUTH_FILE="$work/auth.json" DOCKER_CONFIG="$work/docker" PRATIQUE_AUTH_FILE="$work/pratique-auth.json" NO_COLOR=1
mkdir -p "$HOME" "$DOCKER_CONFIG"
echo '{}' >"$REGISTRY_AUTH_FILE"  # podman wants the file it is told of
server='' claims=0 cleanups=()

cleanup() {
  local code=$?
  [ -z "$server" ] || { kill -9 "$server"; wait "$server"; } 2>/dev/null || true
  for action in "${cleanups[@]}"; do eval "$action" || true; done
  if [ $code -ne 0 ] && [ $code -ne 77 ]; then
    [ ! -s "$work/last.txt" ] || { echo "--- last command said:"; tail -n 30 "$work/last.txt"; }
    [ ! -s "$work/serve.log" ] || { echo "--- the gate's log ends:"; tail -n 30 "$work/serve.log"; }
  fi
  rm -rf "$work"
  [ $code -eq 0 ] && printf '%d claims hold\n' "$claims"
  exit $code
}
trap cleanup EXIT
trap 'exit 130' INT TERM

skip() { echo "SKIPPED: $*"; exit 77; }
need() { for program in "$@"; do command -v "$program" >/dev/null || skip "$program is not installed"; done; }
die() { echo "FAILED: $*" >&2; exit 1; }
claim() { local what=$1; shift; "$@" >"$work/last.txt" 2>&1 || die "$what"; claims=$((claims + 1)); echo "ok    $what"; }
refuse() { local what=$1; shift; if "$@" >"$work/last.txt" 2>&1; then die "$what"; fi; claims=$((claims + 1)); echo "ok    $what"; }
says() { grep -qF -- "$1" "$work/last.txt" || die "expected to read \"$1\""; claims=$((claims + 1)); echo "ok      it says: $1"; }
silent() { ! grep -qF -- "$1" "$work/last.txt" || die "expected not to read \"$1\""; claims=$((claims + 1)); }
# Polls a condition without luck: up to ten seconds of short waits on it.
until_true() { local i; for i in $(seq 200); do "$@" >/dev/null 2>&1 && return 0; read -rt 0.05 <> <(:) || true; done; return 1; }
json() { python3 -c 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1],{"d":d}))' "$1"; }

gate_run() {
  "$PRATIQUE" serve --config "$work/gate.yaml" >"$work/serve.out" 2>>"$work/serve.log" &
  server=$!
  until_true grep -q '^Listening on ' "$work/serve.out" || die "the gate did not start"
  url=$(sed -n 's/^Listening on //p' "$work/serve.out")
  host=${url#*://}
  export PRATIQUE_SERVER="$url"
}
gate_start() {
  { echo "data: $work/data"; if [ -t 0 ]; then :; else cat; fi; } >"$work/gate.yaml"
  grep -q '^listen:' "$work/gate.yaml" || echo 'listen: 127.0.0.1:0' >>"$work/gate.yaml"
  gate_run
  admin_password=$(sed -n 's/^Administrator: user admin, password \([^ ]*\).*/\1/p' "$work/serve.out")
  [ -n "$admin_password" ] || die "the first start must show the administrator's password"
  add_user ann submitter,runner
  add_user rea reviewer
}
# Restarts keep the port, so that clients find the gate where it was.
gate_restart() { sed -i "s/^listen:.*/listen: $host/" "$work/gate.yaml"; gate_run; }
gate_stop() { kill "$server"; wait "$server" || die "the gate did not end cleanly"; server=''; }
gate_kill() { kill -9 "$server"; wait "$server" 2>/dev/null || true; server=''; }
as() { local user=$1; shift; PRATIQUE_USER=$user PRATIQUE_PASSWORD="$(password_of "$user")" "$PRATIQUE" "$@"; }
password_of() { if [ "$1" = admin ]; then echo "$admin_password"; else echo "password-of-$1"; fi; }
add_user() { password_of "$1" | as admin admin user add "$1" --role "$2" --new-password-stdin >/dev/null; }
api() { local user=$1 path=$2; shift 2; curl -sS -u "$user:$(password_of "$user")" "$@" "$url/api/v1/$path"; }
newest() { as "$1" status --format json | json 'd["submissions"][0]["id"]'; }
state_of() { as "$1" status "$2" --format json 2>/dev/null | json 'd["state"]'; }

# busybox with every applet, and the three directories of the environment.
busybox_root() {
  mkdir -p "$1"/{bin,etc,proc,dev,sys,tmp,safe_data,safe_outputs,scratch}
  cp /bin/busybox "$1/bin/busybox"
  local applet
  for applet in $("$1/bin/busybox" --list | grep -vx busybox); do ln -sf busybox "$1/bin/$applet"; done
  echo 'root:x:0:0:root:/:/bin/sh' >"$1/etc/passwd"
}
image() {
  need umoci busybox
  local name=$1 distro=$2 directory="$work/root-$1" pair
  shift 2
  busybox_root "$directory"
  case $distro in
    debian:*) printf 'ID=debian\nVERSION_ID="%s"\nPRETTY_NAME="Debian %s"\n' "${distro#*:}" "${distro#*:}" >"$directory/etc/os-release" ;;
    none) ;;
    *) printf 'ID=%s\nVERSION_ID=%s\n' "${distro%:*}" "${distro#*:}" >"$directory/etc/os-release" ;;
  esac
  mkdir -p "$directory/var/lib/dpkg"
  for pair in "$@"; do
    printf 'Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\nMaintainer: Debian\nDescription: x\n\n' \
      "${pair%%=*}" "${pair#*=}" >>"$directory/var/lib/dpkg/status"
  done
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -C "$directory" -cf "$work/$name.tar" .
  umoci init --layout "$work/$name" && umoci new --image "$work/$name:latest"
  umoci raw add-layer --image "$work/$name:latest" --history.created_by "COPY root /" "$work/$name.tar"
  umoci config --image "$work/$name:latest" --os linux --architecture amd64 --config.cmd /bin/sh --config.env PATH=/bin
}
clean_image() { image "$1" debian:12 base-files=12.4+deb12u12 bash=5.2.15-2+b8; }
# Vulnerable by the starter set: see src/advisory/starter.cc.
bad_image() { image "$1" debian:12 base-files=12.4+deb12u1 "${BAD_PACKAGE:-curl=7.88.1-10}"; }
layout_digest() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]+"/index.json"))["manifests"][0]["digest"])' "$work/$1"; }
push() {  # user image repository:tag [skopeo options]
  local user=$1 name=$2 to=$3
  shift 3
  skopeo copy --dest-tls-verify=false --dest-creds "$user:$(password_of "$user")" "$@" "oci:$work/$name:latest" "docker://$host/$to"
}
pull() {  # user repository:tag directory
  skopeo copy --src-tls-verify=false --src-creds "$1:$(password_of "$1")" "docker://$host/$2" "oci:$work/$3:latest"
}
