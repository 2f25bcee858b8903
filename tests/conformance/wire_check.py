#!/usr/bin/env python3
"""Checks a registry over real HTTP: what the specification says beside the walk of suite.py.

    wire_check.py HOST:PORT USER PASSWORD NAMESPACE/NAME

Written from the specification. It does not stand in for the official suite (run.sh): it runs where that cannot be had.
"""
import base64
import http.client
import json
import os
import socket
import sys
import time

from wire_client import (CONFIG, EMPTY, IMAGE, INDEX, LAYER, Client, Failed, descriptor, digest, dump, expect,
                         with_digest)

HOST, USER, PASSWORD, REPO = sys.argv[1:5]
OTHER = REPO + "-other"
client = None


def url(kind, last, repo=None):
    return f"/v2/{repo or REPO}/{kind}/{last}"


def open_upload(query=""):
    status, headers, _ = client.send("POST", f"/v2/{REPO}/blobs/uploads/{query}")
    expect(status == 202, f"upload opens with 202, not {status}")
    return headers["location"]


def expect_blob(data, algorithm, created):
    status, headers, _ = created
    name = digest(data, algorithm)
    expect(status == 201, f"upload ends with 201, not {status}")
    expect(headers.get("docker-content-digest") == name, "digest header is the requested one")
    status, _, body = client.send("GET", headers["location"])
    expect(status == 200 and body == data, "Location gives the bytes at once")
    status, headers, body = client.send("HEAD", url("blobs", name))
    expect(status == 200 and headers["content-length"] == str(len(data)) and body == b"", "HEAD has the exact length")


def push_blob(data, algorithm="sha256", repo=None):
    target = with_digest(f"/v2/{repo or REPO}/blobs/uploads/", digest(data, algorithm))
    status, _, body = client.send("POST", target, data)
    expect(status == 201, f"blob is taken, not {status} {body!r}")
    return data


def push_manifest(value, reference=None, media_type=IMAGE, algorithm="sha256"):
    data = value if isinstance(value, bytes) else dump(value)
    name = digest(data, algorithm)
    status, headers, body = client.send("PUT", url("manifests", reference or name), data, Content_Type=media_type)
    expect(status == 201, f"manifest is taken, not {status} {body!r}")
    expect(headers["docker-content-digest"] == name, "digest header is the manifest's")
    status, got, body = client.send("GET", headers["location"])
    expect(status == 200 and body == data, "manifest comes back byte for byte")
    expect(got["content-type"] == media_type, "media type comes back")
    return data, headers


def image(salt, **more):
    config = push_blob(dump({"salt": salt}))
    layer = push_blob(b"layer " + salt.encode())
    return {"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, config),
            "layers": [descriptor(LAYER, layer)], **more}


# -- blobs, for each algorithm ----------------------------------------------------------------------------------------


def blob_missing(algorithm):
    for method in ("GET", "HEAD"):
        status, _, _ = client.send(method, url("blobs", digest(os.urandom(8), algorithm)))
        expect(status == 404, f"{method} of a missing blob is 404")


def blob_post_only(algorithm):
    for data in (os.urandom(3000), b"", b"{}"):
        created = client.send("POST", with_digest(f"/v2/{REPO}/blobs/uploads/", digest(data, algorithm)), data)
        expect_blob(data, algorithm, created)


def blob_post_put(algorithm):
    for data in (os.urandom(3000), b""):
        expect_blob(data, algorithm, client.send("PUT", with_digest(open_upload(), digest(data, algorithm)), data))


def blob_streamed(algorithm):
    data = os.urandom(300_000)
    status, headers, _ = client.send("PATCH", open_upload(), data, chunked=True)
    expect(status == 202 and headers["range"] == f"0-{len(data) - 1}", "streamed PATCH is 202 with its range")
    expect_blob(data, algorithm, client.send("PUT", with_digest(headers["location"], digest(data, algorithm))))


def blob_chunked(algorithm):
    data, location = os.urandom(3072), open_upload()
    for start in (0, 1024, 2048):
        wrong = (start + 1024) % 3072
        status, _, _ = client.send("PATCH", location, data[:1024], Content_Range=f"{wrong}-{wrong + 1023}")
        expect(status == 416, f"a chunk out of order is 416, not {status}")
        status, headers, _ = client.send("GET", location)
        expect(status == 204 and headers["range"] == f"0-{max(start - 1, 0)}", "status tells the last good byte")
        chunk = data[start:start + 1024]
        status, headers, _ = client.send("PATCH", location, chunk, Content_Range=f"{start}-{start + 1023}")
        expect(status == 202, "a chunk in order is 202")
        location = headers["location"]
    expect_blob(data, algorithm, client.send("PUT", with_digest(location, digest(data, algorithm))))


def blob_last_chunk_in_put(algorithm):
    data = os.urandom(2048)
    _, headers, _ = client.send("PATCH", open_upload(), data[:1024], Content_Range="0-1023")
    target = with_digest(headers["location"], digest(data, algorithm))
    status, _, _ = client.send("PUT", target, data[1024:], Content_Range="0-1023")
    expect(status == 416, "a last chunk out of order is 416")
    expect_blob(data, algorithm, client.send("PUT", target, data[1024:], Content_Range="1024-2047"))


def blob_bad_digest(algorithm):
    data, wrong = os.urandom(100), digest(b"something else", algorithm)
    expect(client.send("POST", with_digest(f"/v2/{REPO}/blobs/uploads/", wrong), data)[0] == 400, "POST: 400")
    expect(client.send("PUT", with_digest(open_upload(), wrong), data)[0] == 400, "PUT: 400")
    _, headers, _ = client.send("PATCH", open_upload(), data)
    expect(client.send("PUT", with_digest(headers["location"], wrong))[0] == 400, "PATCH and PUT: 400")
    for bad in ("sha256:12", "sha256:" + "z" * 64, "nonsense", "md5:" + "0" * 32):
        expect(client.send("PUT", with_digest(open_upload(), bad), data)[0] == 400, f"{bad}: 400")


def blob_mount(algorithm):
    data = push_blob(os.urandom(500), algorithm, OTHER)
    name = digest(data, algorithm)
    expect_blob(data, algorithm, client.send("POST", f"/v2/{REPO}/blobs/uploads/?mount={name}&from={OTHER}"))
    data = push_blob(os.urandom(500), algorithm, OTHER)
    name = digest(data, algorithm)
    expect_blob(data, algorithm, client.send("POST", f"/v2/{REPO}/blobs/uploads/?mount={name}"))
    data = os.urandom(500)
    name = digest(data, algorithm)
    location = open_upload(f"?mount={name}&from={OTHER}")
    expect_blob(data, algorithm, client.send("PUT", with_digest(location, name), data))


def blob_cancel_and_delete(algorithm):
    location = open_upload()
    expect(client.send("DELETE", location)[0] == 204, "cancel is 204")
    expect(client.send("GET", location)[0] == 404, "a cancelled upload is gone")
    name = digest(push_blob(os.urandom(10), algorithm), algorithm)
    expect(client.send("DELETE", url("blobs", name))[0] == 202, "blob delete is 202")
    expect(client.send("HEAD", url("blobs", name))[0] == 404, "a deleted blob is gone")


def blob_ranges(algorithm):
    data = push_blob(os.urandom(2048), algorithm)
    target = url("blobs", digest(data, algorithm))
    for asked, first, last in (("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047),
                               ("2000-5000", 2000, 2047)):
        status, headers, body = client.send("GET", target, Range="bytes=" + asked)
        expect(status == 206 and body == data[first:last + 1], f"range {asked} gives its bytes")
        expect(headers["content-range"] == f"bytes {first}-{last}/2048", f"range {asked} is named")
    for asked in ("500-0", "5000-10000"):
        expect(client.send("GET", target, Range="bytes=" + asked)[0] == 416, f"range {asked} is 416")


# -- manifests --------------------------------------------------------------------------------------------------------


def manifest_image():
    data, _ = push_manifest(image("image"), "image")
    for method in ("GET", "HEAD"):
        for reference in ("image", digest(data)):
            status, headers, _ = client.send(method, url("manifests", reference))
            expect(status == 200 and headers["content-length"] == str(len(data)), f"{method} {reference}")
            expect(headers["docker-content-digest"] == digest(data), "digest header")


def manifest_large():
    push_manifest(image("large", annotations={f"a{i}": "A" * 10000 for i in range(390)}), "large")


def manifest_unusual():
    empty = descriptor(EMPTY, push_blob(b"{}"))
    push_manifest(image("custom", **{"org.example.unknown": {"x": [1, 2]}}), "custom-field")
    push_manifest({**image("none"), "layers": []}, "no-layers")
    push_manifest({"schemaVersion": 2, "mediaType": IMAGE, "artifactType": "application/x", "config": empty,
                   "layers": [empty]}, "artifact")
    foreign = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"elsewhere",
                         urls=["https://store.example.com/x"])
    push_manifest({**image("foreign"), "layers": [foreign]}, "foreign")
    with_data = image("data")
    with_data["config"]["data"] = base64.b64encode(dump({"salt": "data"})).decode()
    push_manifest(with_data, "data-field")


def manifest_index():
    first, _ = push_manifest(image("one"))
    second, _ = push_manifest(image("two"))
    inner, _ = push_manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        descriptor(IMAGE, first, platform={"os": "linux", "architecture": "amd64"}),
        descriptor(IMAGE, second, platform={"os": "linux", "architecture": "arm64"})]}, None, INDEX)
    push_manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(INDEX, inner)]}, "nested", INDEX)
    push_manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}, "empty-index", INDEX)


def manifest_sha512():
    config = push_blob(dump({"salt": "sha512"}), "sha512")
    value = {"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, config, "sha512"), "layers": []}
    data, _ = push_manifest(value, None, IMAGE, "sha512")
    status, headers, _ = client.send("HEAD", url("manifests", digest(data, "sha512")))
    expect(status == 200 and headers["docker-content-digest"] == digest(data, "sha512"), "sha512 keeps its name")


def manifest_tag_parameters():
    data = dump(image("tags"))
    query = "&".join(f"tag=p{i}" for i in range(10))
    status, headers, _ = client.send("PUT", url("manifests", digest(data)) + "?" + query, data, Content_Type=IMAGE)
    expect(status == 201, "several tags in one push")
    for i in range(10):
        expect(client.send("GET", url("manifests", f"p{i}"))[2] == data, f"tag p{i}")


def manifest_refusals():
    data = dump(image("refused"))
    put = lambda reference, body: client.send("PUT", url("manifests", reference), body, Content_Type=IMAGE)[0]
    expect(put(digest(b"other"), data) == 400, "a digest that is not the body's is 400")
    expect(put("sha256:12", data) == 400, "a malformed digest is 400")
    expect(put("bad", b"{") == 400, "broken JSON is 400")
    missing = {"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, os.urandom(9)), "layers": []}
    expect(put("missing", dump(missing)) in (400, 404), "missing blobs are named")
    expect(put("huge", b" " * (4 << 20) + data) == 413, "more than 4 MiB is 413")
    expect(client.send("GET", url("manifests", "no-such-tag"))[0] == 404, "a missing tag is 404")
    expect(client.send("GET", url("manifests", "sha256:12"))[0] in (400, 404), "a malformed digest is 400 or 404")


def manifest_delete():
    data, _ = push_manifest(image("delete"), "delete-1")
    push_manifest(data, "delete-2")
    expect(client.send("DELETE", url("manifests", "delete-1"))[0] == 202, "delete by tag is 202")
    expect(client.send("GET", url("manifests", "delete-1"))[0] == 404, "the tag is gone")
    expect(client.send("GET", url("manifests", digest(data)))[0] == 200, "the manifest stays")
    expect(client.send("DELETE", url("manifests", digest(data)))[0] == 202, "delete by digest is 202")
    expect(client.send("GET", url("manifests", "delete-2"))[0] == 404, "every tag to it is gone")


def tag_lists():
    for name in ("l-a", "l-b", "l-c", "L-d"):
        push_manifest(image("list"), name)
    names = lambda query: json.loads(client.send("GET", f"/v2/{REPO}/tags/list{query}")[2])["tags"]
    everything = names("")
    expect(everything == sorted(everything), "tags are in byte order")
    seen, last = [], ""
    while True:
        status, headers, body = client.send("GET", f"/v2/{REPO}/tags/list?n=2&last={last}")
        page = json.loads(body)["tags"]
        seen += page
        if "link" not in headers:
            break
        expect(len(page) == 2 and 'rel="next"' in headers["link"], "a full page has a Link")
        last = page[-1]
    expect(seen == everything, "pages add up to the list")
    expect(names("?last=l-a")[0] == "l-b", "last is exclusive")
    status, headers, body = client.send("GET", f"/v2/{REPO}/tags/list?n=0")
    expect(json.loads(body)["tags"] == [] and "link" not in headers, "n=0 is empty without Link")


def referrers():
    subject, _ = push_manifest(image("subject"))
    empty = descriptor(EMPTY, push_blob(b"{}"))
    base = {"schemaVersion": 2, "mediaType": IMAGE, "config": empty, "layers": [empty],
            "subject": descriptor(IMAGE, subject)}
    first, headers = push_manifest({**base, "artifactType": "application/x.one", "annotations": {"note": "1"}})
    expect(headers["oci-subject"] == digest(subject), "OCI-Subject names the subject")
    push_manifest({**base, "artifactType": "application/x.two", "annotations": {"note": "2"}})
    push_manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": [],
                   "subject": descriptor(IMAGE, subject)}, None, INDEX)
    status, headers, body = client.send("GET", url("referrers", digest(subject)))
    listed = {entry["digest"]: entry for entry in json.loads(body)["manifests"]}
    expect(status == 200 and headers["content-type"] == INDEX and len(listed) == 3, "all three are listed")
    expect(listed[digest(first)] == {"mediaType": IMAGE, "digest": digest(first), "size": len(first),
                                     "artifactType": "application/x.one", "annotations": {"note": "1"}}, "described")
    target = url("referrers", digest(subject)) + "?artifactType=application%2Fx.two"
    status, headers, body = client.send("GET", target)
    expect(headers.get("oci-filters-applied") == "artifactType", "the filter is named")
    expect([e["artifactType"] for e in json.loads(body)["manifests"]] == ["application/x.two"], "the filter holds")
    status, _, body = client.send("GET", url("referrers", digest(os.urandom(4))))
    expect(status == 200 and json.loads(body)["manifests"] == [], "an unknown subject is an empty list")
    expect(client.send("GET", url("referrers", "sha256:12"))[0] == 400, "a malformed digest is 400")


# -- beside the specification's main road -----------------------------------------------------------------------------


def several_accept_lines():
    data, _ = push_manifest(image("accept"), "accept")
    for lines in ([INDEX, IMAGE], ["application/json", "*/*"], [IMAGE + ";q=0.5, " + INDEX], ["text/html"], []):
        client.connection.putrequest("GET", url("manifests", "accept"))
        client.connection.putheader("Authorization", "Bearer " + client.token)
        for line in lines:
            client.connection.putheader("Accept", line)
        client.connection.endheaders()
        answer = client.connection.getresponse()
        body = answer.read()
        expect(answer.status == 200 and body == data, f"Accept {lines} gets what is stored")
        expect(answer.getheader("content-type") == IMAGE, "with its own media type")


def mirrors_query():
    data = push_blob(os.urandom(20))
    status, _, body = client.send("GET", url("blobs", digest(data)) + "?ns=docker.io")
    expect(status == 200 and body == data, "ns= of a mirror's client changes nothing")
    expect(client.send("GET", "/v2/?ns=docker.io")[0] == 200, "nor for the base")


def fallback_tags():
    subject, _ = push_manifest(image("folded"))
    empty = descriptor(EMPTY, push_blob(b"{}"))
    artifact = {"schemaVersion": 2, "mediaType": IMAGE, "artifactType": "application/x.old", "config": empty,
                "layers": [empty]}
    old, _ = push_manifest(artifact)
    listing = {"schemaVersion": 2, "mediaType": INDEX,
               "manifests": [descriptor(IMAGE, old, artifactType="application/x.old")]}
    push_manifest(listing, digest(subject).replace(":", "-"), INDEX)
    push_manifest({**artifact, "artifactType": "application/x.new", "subject": descriptor(IMAGE, subject)})
    types = lambda query: sorted(entry["artifactType"] for entry in json.loads(
        client.send("GET", url("referrers", digest(subject)) + query)[2])["manifests"])
    expect(types("") == ["application/x.new", "application/x.old"], "the fallback tag's entries are folded in")
    expect(types("?artifactType=application%2Fx.old") == ["application/x.old"], "and filtered alike")


def malformed_names():
    for name in ("UPPER", "a..b", "a/", "-a", "a/_b", "a" * 300, "%2e%2e/x", "a%2fb%00"):
        status = client.send("GET", f"/v2/{REPO.split('/')[0]}/{name}/manifests/x")[0]
        expect(status in (400, 404), f"name {name}: {status}")
    for bad in ("sha256:12", "sha256:" + "A" * 64, "sha256:" + "0" * 65, "md5:" + "0" * 32, "sha512:" + "0" * 64, "x"):
        for method in ("GET", "HEAD", "DELETE"):
            expect(client.send(method, url("blobs", bad))[0] in (400, 404), f"{method} blob {bad}")
        expect(client.send("POST", f"/v2/{REPO}/blobs/uploads/?mount={bad}&from={OTHER}")[0] == 400, f"mount {bad}")
    expect(client.send("POST", f"/v2/{REPO}/blobs/uploads/?digest-algorithm=md5")[0] == 400, "an unknown algorithm")
    for tag in ("-x", ".x", "a" * 129, "a b", "a:b"):
        status = client.send("PUT", url("manifests", tag.replace(" ", "%20")), b"{}", Content_Type=IMAGE)[0]
        expect(status in (400, 404), f"tag {tag}: {status}")


def uploads_of_others():
    location = open_upload()
    elsewhere = location.replace(REPO, OTHER)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        target = with_digest(elsewhere, digest(b"")) if method == "PUT" else elsewhere
        expect(client.send(method, target, b"" if method in ("PATCH", "PUT") else None)[0] == 404, f"{method} is 404")
    expect(client.send("GET", location)[0] == 204, "in its own repository it goes on")


def wrong_methods():
    for method, target in (("POST", url("blobs", digest(b""))), ("PUT", f"/v2/{REPO}/tags/list"),
                           ("PATCH", url("manifests", "x")), ("DELETE", "/v2/_catalog"), ("POST", "/v2/")):
        status, headers, body = client.send(method, target, b"")
        expect(status == 405 and headers.get("allow"), f"{method} {target} is 405 with Allow")
        expect(json.loads(body)["errors"][0]["code"] == "UNSUPPORTED", "with the specification's code")


def catalogue_and_search():
    push_manifest(image("catalogue"), "catalogue")
    seen, last = [], ""
    while True:
        status, headers, body = client.send("GET", f"/v2/_catalog?n=1&last={last}")
        expect(status == 200, "a page of the catalogue")
        seen += json.loads(body)["repositories"]
        if "link" not in headers:
            break
        last = seen[-1]
    expect(REPO in seen and seen == sorted(seen), "the catalogue is sorted and holds what was pushed")
    expect(client.raw("GET", "/v1/_ping", {})[0] == 200, "docker's ping needs no credentials")
    expect(client.raw("GET", "/v1/search?q=x", {})[0] == 401, "a search does")
    found = json.loads(client.send("GET", "/v1/search?q=" + REPO.split("/")[1])[2])["results"]
    expect(REPO in [entry["name"] for entry in found], "the search finds it")


def tls_on_the_plain_port():
    host, port = HOST.rsplit(":", 1)
    started = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=5) as peer:
        peer.sendall(bytes.fromhex("1603010200010001fc0303"))
        heard = b""
        while piece := peer.recv(4096):
            heard += piece
    expect(heard.startswith(b"HTTP/1.1 400"), "a TLS hello on the plain port hears 400")
    expect(b"TLS was spoken" in heard, "and is told why")
    expect(time.monotonic() - started < 1, "at once")


def main():
    global client
    client = Client(HOST, USER, PASSWORD)
    per_algorithm = [blob_missing, blob_post_only, blob_post_put, blob_streamed, blob_chunked, blob_last_chunk_in_put,
                     blob_bad_digest, blob_mount, blob_cancel_and_delete, blob_ranges]
    checks = [(f"{check.__name__} {algorithm}", lambda c=check, a=algorithm: c(a))
              for check in per_algorithm for algorithm in ("sha256", "sha512")]
    checks += [(check.__name__, check) for check in (
        manifest_image, manifest_large, manifest_unusual, manifest_index, manifest_sha512, manifest_tag_parameters,
        manifest_refusals, manifest_delete, tag_lists, referrers, several_accept_lines, mirrors_query, fallback_tags,
        malformed_names, uploads_of_others, wrong_methods, catalogue_and_search, tls_on_the_plain_port)]
    failures = 0
    for name, check in checks:
        try:
            check()
        except (Failed, KeyError, ValueError, OSError, http.client.HTTPException) as problem:
            failures += 1
            print(f"FAIL {name}: {type(problem).__name__}: {problem}")
            client.connection.close()
    print(f"wire check: {len(checks) - failures} of {len(checks)} hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
