#!/usr/bin/env python3
"""Checks a registry over real HTTP against the list of what the official conformance suite looks at.

    wire_check.py HOST:PORT USER PASSWORD NAMESPACE/NAME

Written from the specification. It does not stand in for the suite (run.sh): it runs where the suite cannot be had.
"""
import base64
import hashlib
import http.client
import json
import os
import sys
import urllib.parse

HOST, USER, PASSWORD, REPO = sys.argv[1:5]
OTHER = REPO + "-other"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Failed(Exception):
    pass


class Client:
    """Sends requests with a bearer token that it got from the challenge, as real clients do."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(HOST, timeout=60)
        self.token = self.get_token()

    def get_token(self):
        status, headers, _ = self.raw("GET", "/v2/", {})
        expect(status == 401, "probe without credentials is 401")
        challenge = headers["www-authenticate"]
        expect(challenge.startswith("Bearer "), "challenge is Bearer")
        realm = challenge.split('realm="')[1].split('"')[0]
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        status, _, body = self.raw("GET", urllib.parse.urlsplit(realm).path + "?service=x", {"Authorization": basic})
        expect(status == 200, "token endpoint answers Basic")
        return json.loads(body)["token"]

    def raw(self, method, target, headers, body=None, chunked=False):
        self.connection.request(method, target, body=body, headers=headers, encode_chunked=chunked)
        answer = self.connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def send(self, method, target, body=None, chunked=False, **headers):
        if target.startswith("http"):
            parts = urllib.parse.urlsplit(target)
            target = parts.path + ("?" + parts.query if parts.query else "")
        fields = {"Authorization": "Bearer " + self.token}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
            body = iter([body[:7], body[7:]])
        elif body is None and method in ("POST", "PUT", "PATCH"):
            fields["Content-Length"] = "0"
        return self.raw(method, target, fields, body, chunked)


def expect(condition, claim):
    if not condition:
        raise Failed(claim)


def digest(data, algorithm="sha256"):
    return algorithm + ":" + hashlib.new(algorithm, data).hexdigest()


def descriptor(media_type, data, algorithm="sha256", **more):
    return {"mediaType": media_type, "digest": digest(data, algorithm), "size": len(data), **more}


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


client = None


def url(kind, last, repo=None):
    return f"/v2/{repo or REPO}/{kind}/{last}"


def open_upload(query=""):
    status, headers, _ = client.send("POST", f"/v2/{REPO}/blobs/uploads/{query}")
    expect(status == 202, f"upload opens with 202, not {status}")
    return headers["location"]


def with_digest(location, value):
    return location + ("&" if "?" in location else "?") + "digest=" + urllib.parse.quote(value, safe="")


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


def main():
    global client
    client = Client()
    per_algorithm = [blob_missing, blob_post_only, blob_post_put, blob_streamed, blob_chunked, blob_last_chunk_in_put,
                     blob_bad_digest, blob_mount, blob_cancel_and_delete, blob_ranges]
    checks = [(f"{check.__name__} {algorithm}", lambda c=check, a=algorithm: c(a))
              for check in per_algorithm for algorithm in ("sha256", "sha512")]
    checks += [(check.__name__, check) for check in (
        manifest_image, manifest_large, manifest_unusual, manifest_index, manifest_sha512, manifest_tag_parameters,
        manifest_refusals, manifest_delete, tag_lists, referrers)]
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
