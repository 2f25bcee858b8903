#!/usr/bin/env bash
# What idle connections cost the server: opens COUNT (10,000), each after one request, and prints memory and threads.
#   bench/idle.sh [COUNT]     PRATIQUE names the program
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-10000}
PRATIQUE=${PRATIQUE:-$PWD/build/release/pratique}
[ -x "$PRATIQUE" ] || { echo "build the release first: ./demo"; exit 1; }
ulimit -n $((count + 1000)) || { echo "this machine allows $(ulimit -Hn) open files; give a smaller COUNT"; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/pratique-bench.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
printf 'data: %s/data\nlisten: 127.0.0.1:0\nlog: {level: warn}\nlimits: {connections_per_client: %s, connections: %s}\n' "$work" $((count + 100)) $((count + 200)) >"$work/gate.yaml"
"$PRATIQUE" serve --config "$work/gate.yaml" >"$work/gate.out" 2>"$work/gate.log" &
server=$!
for _ in $(seq 100); do grep -q '^Listening' "$work/gate.out" && break; read -rt 0.1 <> <(:) || true; done
python3 - "$(sed -n 's#^Listening on http://.*:##p' "$work/gate.out")" "$server" "$count" <<'PY'
import re, socket, sys, time
port, pid, count = map(int, sys.argv[1:4])

def status(field):
    return int(re.search(field + r":\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))

def ask(peer):
    peer.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += peer.recv(4096)
    return heard

peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
for peer in peers:
    ask(peer)
before, started = status("VmRSS"), time.monotonic()
for _ in range(count):
    peers.append(socket.create_connection(("127.0.0.1", port)))
    ask(peers[-1])
opened, after = time.monotonic() - started, status("VmRSS")
started = time.monotonic()
answer = ask(peers[0])
asked = time.monotonic() - started
ticks = lambda: sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))
idle, since = ticks(), time.monotonic()
while time.monotonic() - since < 3:
    time.sleep(0.5)
print(f"{count} idle connections: {(after - before) / count:.2f} KiB each, {after / 1024:.1f} MiB in all, {status('Threads')} threads, "
      f"opened in {opened:.1f} s; the next request took {asked * 1000:.1f} ms; {(ticks() - idle) * 10 / 3:.1f} ms of CPU a second")
PY
