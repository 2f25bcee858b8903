#!/usr/bin/env bash
# Lines that break: submit and pull go on where they were cut, a server that was killed goes on where it last wrote, and
# nothing is sent twice that arrived.
source "$(dirname "$0")/lib.sh"
need umoci busybox python3
mkdir -p "$work/root-large/opt"
head -c 45000000 /dev/urandom >"$work/root-large/opt/noise"  # above what a pull takes in one transfer
image large debian:12 base-files=12.4+deb12u12
gate_start <<<'policy: tre'

# A proxy that cuts: each of the first CUTS connections that carried more than BYTES ends there. Writes its port and what passed.
cat >"$work/proxy.py" <<'PY'
import os, socket, sys, threading
target, limit, cuts, notes = sys.argv[1].rsplit(":", 1), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
lock, left, passed = threading.Lock(), [cuts], [0]

def carry(source, sink, both):
    seen = 0
    try:
        while data := source.recv(65536):
            sink.sendall(data)
            seen += len(data)
            with lock:
                passed[0] += len(data)
                cut = seen > limit and left[0] > 0
                left[0] -= cut
                with open(notes, "w") as file:
                    print(passed[0], left[0], file=file)
            if cut:
                break
    except OSError:
        pass
    for end in both:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    server = socket.create_connection((target[0], int(target[1])))
    for a, b in ((client, server), (server, client)):
        threading.Thread(target=carry, args=(a, b, (a, b)), daemon=True).start()
PY
proxy_start() {  # bytes cuts
  python3 "$work/proxy.py" "$host" "$1" "$2" "$work/passed" >"$work/proxy.port" 2>/dev/null &
  proxy=$!
  cleanups+=("kill $proxy 2>/dev/null")
  until_true test -s "$work/proxy.port"
  PRATIQUE_SERVER="http://127.0.0.1:$(cat "$work/proxy.port")"
}
proxy_stop() { kill "$proxy"; wait "$proxy" 2>/dev/null || true; PRATIQUE_SERVER=$url; }
passed() { cut -d' ' -f1 "$work/passed"; }
cuts_left() { cut -d' ' -f2 "$work/passed"; }
none_left() { [ "$(cuts_left)" = 0 ]; }
passed_below() { [ "$(passed)" -lt "$1" ]; }

proxy_start 9000000 3
claim "submit ends well over a line that is cut three times" as ann submit "oci:$work/large:latest" --as large:1
claim "it was cut three times" none_left
claim "what had arrived was not sent again" passed_below 52000000
proxy_stop
claim "a reviewer approves it" as rea review approve "$(newest ann)" --note ok
proxy_start 6000000 3
claim "pull ends well over such a line" as ann pull nextflow-approved/ann/large:1 --output "$work/pulled"
claim "it was cut three times" none_left
claim "what had arrived was not fetched again" passed_below 52000000
claim "the layout is whole" umoci ls --layout "$work/pulled"
proxy_stop

proxy_start 6000000 1000
refuse "pull over a line that never holds gives up" timeout 60 as ann pull nextflow-approved/ann/large:1 --output "$work/again"
proxy_stop
claim "pull goes on with what the last one left" as ann pull nextflow-approved/ann/large:1 --output "$work/again"

# A session outlives the server: half of a blob, SIGKILL, the other half.
blob="$work/root-large/opt/noise"
digest="sha256:$(sha256sum <"$blob" | cut -d' ' -f1)"
ask() { curl -s -S -o "$work/body" -D "$work/head" -w '%{http_code}' -u "ann:$(password_of ann)" "$@"; }
header() { tr -d '\r' <"$work/head" | sed -n "s/^$1: //Ip"; }
claim "an upload begins" test "$(ask -X POST "$url/v2/library/resume/blobs/uploads/")" = 202
location=$(header location)
head -c 20000000 "$blob" >"$work/first"
tail -c +20000001 "$blob" >"$work/second"
claim "half of it arrives" test "$(ask -X PATCH -H 'Content-Range: 0-19999999' -T "$work/first" "$location")" = 202
gate_kill
gate_restart
claim "after SIGKILL the session is where it was" test "$(ask "$location")" = 204
claim "it names the last byte" test "$(header range)" = 0-19999999
claim "the other half arrives" test "$(ask -X PATCH -H 'Content-Range: 20000000-44999999' -T "$work/second" "$location")" = 202
claim "and the whole has its digest" test "$(ask -X PUT -H 'Content-Length: 0' "$location?digest=$digest")" = 201
