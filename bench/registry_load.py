#!/usr/bin/env python3
"""The work of bench/registry.sh on one registry; prints one line a figure: NAME WALL CPU.

    registry_load.py PORT PID AUTHORIZATION DIRECTORY [seconds a step takes]

WALL is per second (or seconds for one), CPU the server's milliseconds a unit. The same bytes for every registry come
from DIRECTORY/seed. Clients are processes: one Python cannot keep a registry busy.
"""
import hashlib
import http.client
import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import time

PORT, PID, AUTHORIZATION, DIRECTORY = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
SECONDS = float(sys.argv[5]) if len(sys.argv) > 5 else 5
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.example.opaque"  # nobody inspects it: the registries do the same work
HEADERS = {} if AUTHORIZATION == "-" else {"Authorization": AUTHORIZATION}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def cpu_seconds():
    ticks = 0
    fields = open(f"/proc/{PID}/stat").read().rsplit(")", 1)[1].split()
    ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def report(name, wall, cpu):
    print(f"{name}\t{wall:.4f}\t{cpu:.4f}", flush=True)


class Client:
    def __init__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)

    def send(self, method, target, body=None, **headers):
        fields = dict(HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()})
        if body is None and method in ("POST", "PUT"):
            fields["Content-Length"] = "0"
        self.connection.request(method, target, body=body, headers=fields)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {target}: {answer.status} {text[:200]!r}")
        return answer

    def push_blob(self, repository, data, name=None):
        location = self.send("POST", f"/v2/{repository}/blobs/uploads/").getheader("location")
        location = re.sub(r"^https?://[^/]+", "", location)
        location += ("&" if "?" in location else "?") + "digest=" + (name or digest(data))
        self.send("PUT", location, data, Content_Type="application/octet-stream")

    def push_image(self, repository, tag, layer):
        config = json.dumps({"os": "linux", "architecture": "amd64", "author": tag + repository}).encode()
        self.push_blob(repository, layer)
        self.push_blob(repository, config)
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": digest(layer), "size": len(layer)}]}).encode()
        self.send("PUT", f"/v2/{repository}/manifests/{tag}", manifest, Content_Type=MANIFEST)


def pusher(number, is_hot, count):
    client, seed = Client(), open(DIRECTORY + "/seed", "rb").read()
    repository = "library/hot" if is_hot else f"library/many-{number}"
    until, pushed = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        mark = f"{PORT} {is_hot} {number} {pushed}".encode()
        client.push_image(repository, f"t{number}-{pushed}", mark + seed[len(mark):])
        pushed += 1
    with count.get_lock():
        count.value += pushed


def push_images(name, is_hot):
    count = multiprocessing.Value("i", 0)
    started, cpu = time.monotonic(), cpu_seconds()
    clients = [multiprocessing.Process(target=pusher, args=(i, is_hot, count)) for i in range(10)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    report(name, count.value / (time.monotonic() - started), (cpu_seconds() - cpu) * 1000 / max(count.value, 1))


def wrk(name, connections, path):
    script = DIRECTORY + "/wrk.lua"
    fields = dict(HEADERS, Accept=MANIFEST)
    with open(script, "w") as file:
        for field, value in fields.items():
            file.write(f'wrk.headers["{field}"] = "{value}"\n')
    cpu = cpu_seconds()
    said = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{max(int(SECONDS), 1)}s", "-s", script,
                           f"http://127.0.0.1:{PORT}{path}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        print(said, file=sys.stderr)
    requests = int(re.search(r"(\d+) requests in", said).group(1))
    report(name, float(re.search(r"Requests/sec: +([\d.]+)", said).group(1)), (cpu_seconds() - cpu) * 1000 / requests)


def header(path, count):
    """One worker of heads(): requests in batches, answers counted by their ends; a HEAD's answer has no body."""
    fields = "".join(f"{field}: {value}\r\n" for field, value in HEADERS.items())
    batch = 16
    request = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nAccept: {MANIFEST}\r\n{fields}\r\n".encode() * batch
    until, answered = time.monotonic() + SECONDS, 0
    with socket.create_connection(("127.0.0.1", PORT)) as peer:
        while time.monotonic() < until:
            peer.sendall(request)
            heard = b""
            while heard.count(b"\r\n\r\n") < batch:
                heard += peer.recv(65536)
            if heard.count(b" 200 OK\r\n") != batch:
                raise SystemExit(heard[:200])
            answered += batch
    with count.get_lock():
        count.value += answered


def heads(name, path):
    """wrk waits for the body that a HEAD's Content-Length seems to promise."""
    count = multiprocessing.Value("i", 0)
    started, cpu = time.monotonic(), cpu_seconds()
    clients = [multiprocessing.Process(target=header, args=(path, count)) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    report(name, count.value / (time.monotonic() - started), (cpu_seconds() - cpu) * 1000 / max(count.value, 1))


def large_blob():
    data = DIRECTORY + "/blob"
    name = "sha256:" + subprocess.run(["sha256sum", data], capture_output=True, text=True, check=True).stdout.split()[0]
    times, cpus = [], []
    client = Client()
    cpu, started = cpu_seconds(), time.monotonic()
    with open(data, "rb") as file:
        location = client.send("POST", "/v2/library/large/blobs/uploads/").getheader("location")
        location = re.sub(r"^https?://[^/]+", "", location)
        location += ("&" if "?" in location else "?") + "digest=" + name
        headers = sum((["-H", f"{field}: {value}"] for field, value in HEADERS.items()), [])
        subprocess.run(["curl", "-s", "-f", "-o", "/dev/null", "-X", "PUT", "-H", "Expect:", *headers, "-H",
                        "Content-Type: application/octet-stream", "-T", data, f"http://127.0.0.1:{PORT}{location}"],
                       check=True, stdin=file)
    report("push 1 GiB, one stream (s)", time.monotonic() - started, (cpu_seconds() - cpu) * 1000)
    for _ in range(3):
        cpu, started = cpu_seconds(), time.monotonic()
        subprocess.run(["curl", "-s", "-f", "-o", "/dev/null", *headers,
                        f"http://127.0.0.1:{PORT}/v2/library/large/blobs/{name}"], check=True)
        times.append(time.monotonic() - started)
        cpus.append((cpu_seconds() - cpu) * 1000)
    report("pull 1 GiB (s)", sorted(times)[1], sorted(cpus)[1])


def memory(field):
    status = open(f"/proc/{PID}/status").read()
    return int(re.search(field + r":\s+(\d+)", status).group(1)) / 1024


def main():
    layer = open(DIRECTORY + "/seed", "rb").read()
    Client().push_image("library/one", "1", layer)
    wrk("GET manifest by tag (/s)", 16, "/v2/library/one/manifests/1")
    heads("HEAD blob (/s)", f"/v2/library/one/blobs/{digest(layer)}")
    wrk("GET blob of 1 MB (/s)", 16, f"/v2/library/one/blobs/{digest(layer)}")
    push_images("push 1 MB images, 10 clients, many repositories (/s)", False)
    push_images("push 1 MB images, 10 clients, one repository (/s)", True)
    if os.path.exists(DIRECTORY + "/blob"):
        large_blob()
    wrk("GET manifest, 500 connections (/s)", 500, "/v2/library/one/manifests/1")
    report("peak memory by then (MiB)", memory("VmHWM"), 0)


if __name__ == "__main__":
    main()
