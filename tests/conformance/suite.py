#!/usr/bin/env python3
"""Walks content of every kind through a registry: push it, list it, look at it, pull it, refer to it, delete it.

    suite.py HOST:PORT USER PASSWORD OPEN_NAMESPACE SPARSE_NAMESPACE [VERSION]

VERSION is 1.1 or dev (the specification's main branch: digest headers are a must, uploads can be cancelled and their
algorithm named, several tags come with one push). Every claim is counted; nothing is skipped. It asserts what the
official suite asserts, written from the specification, and does not stand in for it (run.sh): it runs where that cannot
be had.
"""
import base64
import gzip
import http.client
import io
import json
import os
import sys
import tarfile
import urllib.parse

from wire_client import CONFIG, EMPTY, IMAGE, INDEX, LAYER, Client, Failed, descriptor, digest, dump, with_digest

HOST, USER, PASSWORD, OPEN, SPARSE = sys.argv[1:6]
VERSION = sys.argv[6] if len(sys.argv) > 6 else "dev"
IS_DEV = VERSION == "dev"
ONE, TWO = f"{OPEN}/suite-{os.urandom(4).hex()}/one", f"{OPEN}/suite-{os.urandom(4).hex()}/two"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EXAMPLE = "application/vnd.example.suite.v"
CHUNK = 1024

client = None
claims = {"held": 0, "failed": 0}
where = []


def claim(condition, text):
    claims["held" if condition else "failed"] += 1
    if not condition:
        print(f"FAIL {' / '.join(where)}: {text}")
    return condition


class Step:
    """Names what is being done; a step that breaks off is a failed claim."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        where.append(self.name)

    def __exit__(self, kind, problem, _):
        if problem is not None and not isinstance(problem, KeyboardInterrupt):
            claim(False, f"{kind.__name__}: {problem}")
            client.connection.close()
        where.pop()
        return isinstance(problem, (Failed, KeyError, ValueError, OSError, http.client.HTTPException, TypeError))


def target(kind, last, repo):
    return f"/v2/{repo}/{kind}/{last}"


def algorithm_of(name):
    return name.split(":")[0]


def check_digest(headers, name):
    given = headers.get("docker-content-digest")
    claim(given == name if IS_DEV else given in (None, name), f"digest header is {name}, not {given}")


def check_location(headers, data, media_type=None):
    accept = {"Accept": f"{INDEX}, {IMAGE}"} if media_type else {}
    status, got, body = client.send("GET", headers["location"], **accept)
    claim(status == 200 and body == data, "the Location gives the bytes at once")
    if media_type:
        claim(got["content-type"] == media_type, "and their type")
        claim(got["content-length"] == str(len(data)), "and their length")


# -- ways to send a blob: each gives the answer that ends it ----------------------------------------------------------


def begin(repo, query=""):
    status, headers, _ = client.send("POST", f"/v2/{repo}/blobs/uploads/{query}")
    claim(status == 202, f"an upload opens with 202, not {status}")
    return headers["location"]


def post_only(repo, name, data):
    return client.send("POST", with_digest(f"/v2/{repo}/blobs/uploads/", name), data,
                       Content_Type="application/octet-stream")


def post_put(repo, name, data):
    return client.send("PUT", with_digest(begin(repo), name), data, Content_Type="application/octet-stream")


def streamed(repo, name, data):
    status, headers, _ = client.send("PATCH", begin(repo), data, chunked=True)
    claim(status == 202, f"a streamed PATCH is 202, not {status}")
    return client.send("PUT", with_digest(headers["location"], name))


def chunked(repo, name, data, out_of_order=False, last_in_put=False):
    location, start = begin(repo), 0
    size = max(len(data) // 3 + 1, CHUNK)
    while start < len(data):
        if out_of_order:
            location = send_wrong_chunk(location, name, data, start, size, last_in_put)
        end = min(start + size, len(data))
        is_last = end == len(data) and last_in_put
        where_to = with_digest(location, name) if is_last else location
        answer = client.send("PUT" if is_last else "PATCH", where_to, data[start:end],
                             Content_Range=f"{start}-{end - 1}")
        if is_last:
            return answer
        claim(answer[0] == 202 and answer[1].get("range") == f"0-{end - 1}", "a chunk in order is 202 with its range")
        location, start = answer[1]["location"], end
    return client.send("PUT", with_digest(location, name))


def send_wrong_chunk(location, name, data, start, size, last_in_put):
    wrong = start + size if start + size < len(data) else 0
    end = min(wrong + size, len(data))
    closes = last_in_put and end == len(data)
    where_to = with_digest(location, name) if closes else location
    status, _, _ = client.send("PUT" if closes else "PATCH", where_to, data[wrong:end],
                               Content_Range=f"{wrong}-{end - 1}")
    claim(status == 416, f"a chunk out of order is 416, not {status}")
    status, headers, _ = client.send("GET", where_to)
    claim(status == 204, f"the upload's state is 204, not {status}")
    told = headers.get("range", "")
    is_kept = told.startswith("0-") and (start == 0 or told == f"0-{start - 1}")
    claim(is_kept, f"it stands where it stood, not at {told}")
    return headers["location"]


WAYS = {
    "post": post_only, "post and put": post_put, "stream": streamed, "chunks": chunked,
    "last chunk in put": lambda r, n, d: chunked(r, n, d, last_in_put=True),
    "chunks out of order": lambda r, n, d: chunked(r, n, d, out_of_order=True),
    "last chunk out of order": lambda r, n, d: chunked(r, n, d, out_of_order=True, last_in_put=True),
}


def check_pushed(answer, name, data):
    status, headers, body = answer
    if claim(status == 201, f"a blob is taken with 201, not {status} {body[:200]!r}"):
        check_digest(headers, name)
        check_location(headers, data)


def look_at_blob(repo, name, data):
    status, headers, body = client.send("HEAD", target("blobs", name, repo))
    claim(status == 200 and body == b"", f"HEAD of a blob is 200, not {status}")
    claim(headers.get("content-length") == str(len(data)), "with its length")
    check_digest(headers, name)
    status, headers, body = client.send("GET", target("blobs", name, repo))
    claim(status == 200 and body == data, f"GET of a blob is 200, not {status}")
    claim(headers.get("content-length") == str(len(data)), "with its length")
    check_digest(headers, name)


def delete_blob(repo, name):
    status, _, _ = client.send("DELETE", target("blobs", name, repo))
    claim(status in (202, 404), f"DELETE of a blob is 202, not {status}")
    claim(client.send("HEAD", target("blobs", name, repo))[0] == 404, "and it is gone at once")


# -- blobs ------------------------------------------------------------------------------------------------------------


def walk_blobs(algorithm):
    missing = digest(os.urandom(20), algorithm)
    claim(client.send("GET", target("blobs", missing, ONE))[0] == 404, "what was never pushed is 404")
    for way, send in WAYS.items():
        with Step(way):
            data = os.urandom(3 * CHUNK - 5)
            name = digest(data, algorithm)
            check_pushed(send(ONE, name, data), name, data)
            look_at_blob(ONE, name, data)
            delete_blob(ONE, name)
    for label, data in (("empty", b""), ("empty JSON", b"{}")):
        for way in ("post", "post and put", "stream", "chunks"):
            with Step(f"{label} by {way}"):
                name = digest(data, algorithm)
                check_pushed(WAYS[way](ONE, name, data), name, data)
                look_at_blob(ONE, name, data)
                delete_blob(ONE, name)
    for way in ("post", "post and put", "stream", "chunks", "last chunk in put"):
        with Step(f"bad digest by {way}"):
            data = os.urandom(2000)
            status, _, _ = WAYS[way](ONE, digest(data, algorithm), data + b"oh no")
            claim(status == 400, f"bytes of another digest are 400, not {status}")
    walk_mounts(algorithm)
    walk_ranges(algorithm)
    if IS_DEV:
        with Step("cancel"):
            location = begin(ONE, f"?digest-algorithm={algorithm}")
            claim(client.send("DELETE", location)[0] == 204, "a cancelled upload is 204")
            claim(client.send("GET", location)[0] == 404, "and gone")


def walk_mounts(algorithm):
    for label, query in (("named", f"&from={urllib.parse.quote(TWO, safe='')}"), ("anonymous", "")):
        with Step(f"mount, {label} source"):
            data = os.urandom(512)
            name = digest(data, algorithm)
            check_pushed(post_put(TWO, name, data), name, data)
            check_pushed(client.send("POST", f"/v2/{ONE}/blobs/uploads/?mount={name}{query}"), name, data)
            look_at_blob(ONE, name, data)
            delete_blob(ONE, name)
            look_at_blob(TWO, name, data)
            delete_blob(TWO, name)
        with Step(f"mount of nothing, {label} source"):
            data = os.urandom(512)
            name = digest(data, algorithm)
            location = begin(ONE, f"?mount={name}{query}")
            check_pushed(client.send("PUT", with_digest(location, name), data), name, data)
            delete_blob(ONE, name)


def walk_ranges(algorithm):
    data = os.urandom(2048)
    name = digest(data, algorithm)
    check_pushed(post_only(ONE, name, data), name, data)
    for asked, first, last in (("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047),
                               ("2000-5000", 2000, 2047), ("0-0", 0, 0), ("-5000", 0, 2047)):
        with Step(f"range {asked}"):
            status, headers, body = client.send("GET", target("blobs", name, ONE), Range="bytes=" + asked)
            claim(status == 206 and body == data[first:last + 1], f"gives its bytes with 206, not {status}")
            claim(headers.get("content-length") == str(last - first + 1), "with their number")
            claim(headers.get("content-range") == f"bytes {first}-{last}/2048", "and says which they are")
    for asked in ("500-0", "5000-10000", "2048-", "-0"):
        with Step(f"range {asked}"):
            status, _, _ = client.send("GET", target("blobs", name, ONE), Range="bytes=" + asked)
            claim(status == 416, f"is 416, not {status}")
    delete_blob(ONE, name)


# -- content: what a set of blobs and manifests is --------------------------------------------------------------------


class Content:
    def __init__(self, algorithm="sha256", **options):
        self.algorithm, self.options = algorithm, options
        self.blobs, self.manifests, self.tags, self.referrers = {}, [], {}, {}
        self.by_parameter = False
        self.repo = ONE

    def blob(self, data, media_type, **more):
        name = digest(data, self.algorithm)
        self.blobs[name] = data
        described = descriptor(media_type, data, self.algorithm, **more)
        if self.options.get("data"):
            described["data"] = base64.b64encode(data).decode()
        return described

    def layer(self):
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as tar:
            text = os.urandom(40).hex().encode()
            entry = tarfile.TarInfo("./suite.txt")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        if self.options.get("uncompressed"):
            return self.blob(raw.getvalue(), LAYER), digest(raw.getvalue(), self.algorithm)
        return self.blob(gzip.compress(raw.getvalue()), LAYER + "+gzip"), digest(raw.getvalue(), self.algorithm)

    def extra(self, value):
        if self.options.get("extra"):
            value["org.example." + os.urandom(4).hex()] = {"unknown": [1, "two", None]}
        return value

    def manifest(self, value, tag=None, subject=None, artifact_type=None):
        if subject:
            value["subject"] = subject
        data = dump(self.extra(value))
        described = descriptor(value["mediaType"], data, self.algorithm)
        self.manifests.append((described["digest"], data, value["mediaType"]))
        if tag:
            self.tags[tag] = described["digest"]
        if subject:
            entry = dict(described)
            kind = artifact_type or value.get("config", {}).get("mediaType")
            if kind:
                entry["artifactType"] = kind
            if value.get("annotations"):
                entry["annotations"] = value["annotations"]
            self.referrers.setdefault(subject["digest"], []).append(entry)
        return described

    def image(self, tag=None, layers=2, architecture="amd64", subject=None, **more):
        made = [self.layer() for _ in range(layers)]
        config = self.extra({"os": "linux", "architecture": architecture, "author": os.urandom(4).hex(),
                             "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in made]}})
        return self.manifest({"schemaVersion": 2, "mediaType": IMAGE, "config": self.blob(dump(config), CONFIG),
                              "layers": [described for described, _ in made], **more}, tag, subject)

    def artifact(self, kind, tag=None, subject=None, body=None, **more):
        bytes_of = os.urandom(256) if body is None else body
        layer = self.blob(bytes_of, EMPTY if body is not None else kind)
        return self.manifest({"schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind,
                              "config": self.blob(b"{}", EMPTY), "layers": [layer], **more}, tag, subject, kind)

    def index(self, children, tag=None, subject=None, kind=None, platforms=True, **more):
        listed = [dict(child, **({"platform": {"os": "linux", "architecture": arch}} if platforms else {}))
                  for child, arch in zip(children, ("amd64", "arm64"))]
        value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed, **more}
        if kind:
            value["artifactType"] = kind
        return self.manifest(value, tag, subject, kind)

    def platforms(self):
        return [self.image(architecture="amd64"), self.image(architecture="arm64")]


def note():
    return {"annotations": {"org.example.suite": "hello", "org.example." + os.urandom(4).hex(): os.urandom(4).hex()}}


def contents():
    """Name and content, one kind after the other."""
    made = Content()
    made.image("image")
    yield "image", made
    made = Content(uncompressed=True)
    made.image("uncompressed")
    yield "uncompressed image", made
    made = Content()
    made.image("large", annotations={f"large-{i}": "A" * 10000 for i in range(390)})
    yield "manifest of 3.9 MB", made
    made = Content()
    made.index(made.platforms(), "index")
    yield "index", made
    made = Content()
    made.index([made.index(made.platforms()), made.index(made.platforms())], "nested", platforms=False)
    yield "index of indexes", made
    made = Content()
    made.index([], "empty-index")
    yield "empty index", made
    made = Content()
    made.artifact(EXAMPLE + "1", "artifact")
    yield "artifact", made
    made = Content()
    made.index([made.artifact(EXAMPLE + "1"), made.artifact(EXAMPLE + "1")], "artifacts", kind=EXAMPLE + "1")
    yield "index of artifacts", made
    made = Content()
    made.artifact(EXAMPLE + "1", "bare-artifact", body=b"{}")
    yield "artifact without layers", made
    yield from contents_with_subjects()
    made = Content(data=True)
    made.image("data")
    yield "data fields", made
    yield "layers that are elsewhere", foreign_layers()
    made = Content(extra=True)
    made.index(made.platforms(), "extra")
    yield "unknown fields", made
    made = Content()
    made.image("bare", layers=0)
    yield "image without layers", made
    made = Content("sha512")
    made.index(made.platforms())
    yield "sha512", made
    yield from contents_of_dev()


def contents_with_subjects():
    made = Content()
    subject = made.image("subject")
    made.image(subject=subject)
    made.artifact(EXAMPLE + "1", "about-1", subject, **note())
    made.artifact(EXAMPLE + "2", "about-2", subject, **note())
    yield "artifacts about an image", made
    made = Content()
    subject = made.index(made.platforms(), "subject-index")
    made.index([made.artifact(EXAMPLE + "1"), made.artifact(EXAMPLE + "1")], "about-index", subject, EXAMPLE + "1",
               **note())
    made.index([], None, subject)
    yield "index about an index", made
    made = Content()
    made.artifact(EXAMPLE + "1", "about-nothing", descriptor(IMAGE, os.urandom(123)), **note())
    yield "subject that is not here", made


def foreign_layers():
    made = Content()
    layer, diff = made.layer()
    elsewhere = []
    for kind in (FOREIGN, FOREIGN + "+gzip"):
        data = os.urandom(50)
        elsewhere.append(descriptor(kind, data, urls=["https://store.example.com/" + digest(data)]))
    config = made.blob(dump({"os": "linux", "architecture": "amd64", "rootfs": {
        "type": "layers", "diff_ids": [digest(b"1"), digest(b"2"), diff]}}), CONFIG)
    layers = elsewhere + [layer]
    made.manifest({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers}, "elsewhere")
    return made


def contents_of_dev():
    made = Content()
    made.repo = f"{SPARSE}/suite-{os.urandom(4).hex()}"
    made.image("sparse")
    made.blobs.pop(next(name for name, data in made.blobs.items() if data[:2] == b"\x1f\x8b"))
    made.index([made.image(), descriptor(IMAGE, os.urandom(1024))], "sparse-index")
    yield "sparse", made
    if not IS_DEV:
        return
    for algorithm in ("sha256", "sha512"):
        made = Content(algorithm)
        made.index(made.platforms())
        made.by_parameter = True
        for i, (name, _, _) in enumerate(made.manifests):
            for j in range(10 if i == 2 else 1):
                made.tags[f"parameter-{algorithm}-{i}-{j}"] = name
        yield f"tags as parameters, {algorithm}", made


# -- the walk ---------------------------------------------------------------------------------------------------------


def push(content):
    for i, (name, data) in enumerate(content.blobs.items()):
        with Step(f"blob {i}"):
            way = list(WAYS.values())[i % 4]
            check_pushed(way(content.repo, name, data), name, data)
    for i, (name, data, media_type) in enumerate(content.manifests):
        with Step(f"manifest {i}"):
            tags = [tag for tag, tagged in content.tags.items() if tagged == name] if content.by_parameter else []
            query = "?" + "&".join(f"tag={tag}" for tag in tags) if tags else ""
            headers = put_manifest(content, name + query, name, data, media_type)
            told = [tag.strip() for tag in headers.get("oci-tag", "").split(",")]
            for tag in tags:
                claim(tag in told, f"OCI-Tag names {tag}")
    for tag, name in content.tags.items():
        if not content.by_parameter:
            with Step(f"tag {tag}"):
                _, data, media_type = next(entry for entry in content.manifests if entry[0] == name)
                put_manifest(content, tag, name, data, media_type)


def put_manifest(content, reference, name, data, media_type):
    status, headers, body = client.send("PUT", target("manifests", reference, content.repo), data,
                                        Content_Type=media_type)
    if not claim(status == 201, f"a manifest is taken with 201, not {status} {body[:300]!r}"):
        return {}
    check_digest(headers, name)
    check_location(headers, data, media_type)
    subject = json.loads(data).get("subject")
    if subject:
        claim(headers.get("oci-subject") == subject["digest"], "OCI-Subject names the subject")
    return headers


def list_tags(content):
    path = f"/v2/{content.repo}/tags/list"
    listed = lambda query="": json.loads(client.send("GET", path + query)[2]).get("tags") or []
    everything = listed()
    for tag in content.tags:
        claim(tag in everything, f"the list has {tag}")
    if len(everything) >= 2:
        ordered = sorted(everything)
        half = len(ordered) // 2
        claim(sorted(listed("?last=" + ordered[half - 1])) == ordered[half:], "last= gives what comes after")


def look(content):
    by_name = {name: (data, media_type) for name, data, media_type in content.manifests}
    references = list(content.tags.items()) + [(name, name) for name in by_name]
    for reference, name in references:
        data, media_type = by_name[name]
        for method in ("HEAD", "GET"):
            with Step(f"{method} {reference}"):
                status, headers, body = client.send(method, target("manifests", reference, content.repo),
                                                    Accept=f"{INDEX}, {IMAGE}")
                claim(status == 200, f"is 200, not {status}")
                claim(body == (data if method == "GET" else b""), "byte for byte")
                claim(headers.get("content-type") == media_type, "with its type")
                claim(headers.get("content-length") == str(len(data)), "with its length")
                check_digest(headers, name)
    for name, data in content.blobs.items():
        with Step(f"blob {name}"):
            look_at_blob(content.repo, name, data)


def refer(content):
    for subject, wanted in content.referrers.items():
        with Step(f"referrers of {subject}"):
            check_referrers(content, subject, "", wanted)
            for kind in {entry.get("artifactType", "") for entry in wanted}:
                query = "?artifactType=" + urllib.parse.quote(kind, safe="")
                headers = check_referrers(content, subject, query,
                                          [entry for entry in wanted if entry.get("artifactType", "") == kind])
                applied = [word.strip() for word in headers.get("oci-filters-applied", "").split(",")]
                claim("artifactType" in applied, f"OCI-Filters-Applied for {kind!r}")


def check_referrers(content, subject, query, wanted):
    status, headers, body = client.send("GET", target("referrers", subject, content.repo) + query)
    claim(status == 200 and headers.get("content-type") == INDEX, f"is an index with 200, not {status}")
    listing = json.loads(body)
    claim(listing.get("schemaVersion") == 2 and listing.get("mediaType") == INDEX, "and a valid one")
    by_digest = lambda entries: sorted(entries, key=lambda entry: entry["digest"])
    claim(by_digest(listing["manifests"]) == by_digest(wanted), f"names what refers to it, exactly ({query})")
    return headers


def delete(content):
    for tag in content.tags:
        with Step(f"delete {tag}"):
            claim(client.send("DELETE", target("manifests", tag, content.repo))[0] == 202, "a tag's DELETE is 202")
            claim(client.send("HEAD", target("manifests", tag, content.repo))[0] == 404, "and it is gone at once")
    for name, _, _ in reversed(content.manifests):
        with Step(f"delete {name}"):
            claim(client.send("DELETE", target("manifests", name, content.repo))[0] == 202, "a DELETE is 202")
            claim(client.send("HEAD", target("manifests", name, content.repo))[0] == 404, "and it is gone at once")
    for subject in content.referrers:
        with Step(f"referrers of {subject} after"):
            check_referrers(content, subject, "", [])
    for name in content.blobs:
        with Step(f"delete {name}"):
            delete_blob(content.repo, name)


def empty_repository():
    status, _, body = client.send("GET", f"/v2/{ONE}/tags/list")
    claim(status == 404 or (status == 200 and not json.loads(body)["tags"]), "a repository of nothing has no tags")
    check_referrers(Content(), digest(os.urandom(9)), "", [])


def errors():
    claim(client.send("GET", target("manifests", digest(os.urandom(9)), ONE))[0] == 404, "a missing digest is 404")
    tag = "missing-" + os.urandom(9).hex()
    claim(client.send("GET", target("manifests", tag, ONE))[0] == 404, "a missing tag is 404")
    made = Content()
    made.image()
    name, data, media_type = made.manifests[0]
    for i, (blob, body) in enumerate(made.blobs.items()):
        check_pushed(post_only(ONE, blob, body), blob, body)
    put = lambda reference, body: client.send("PUT", target("manifests", reference, ONE), body,
                                              Content_Type=media_type)[0]
    claim(put(name, data + b"  ") == 400, "a manifest of another digest is 400")
    claim(put("sha256:baddigeststring", data) == 400, "a digest that is none is 400")
    claim(client.send("GET", target("manifests", "sha256:baddigeststring", ONE))[0] in (400, 404), "and has no content")
    claim(client.send("HEAD", target("manifests", name, ONE))[0] == 404, "nothing of it was kept")


def main():
    global client
    client = Client(HOST, USER, PASSWORD)
    with Step("base"):
        claim(client.send("GET", "/v2/")[0] == 200, "GET /v2/ is 200")
    with Step("empty repository"):
        empty_repository()
    for algorithm in ("sha256", "sha512"):
        with Step(algorithm + " blobs"):
            walk_blobs(algorithm)
    for name, content in contents():
        with Step(name):
            for do in (push, list_tags, look, refer, delete):
                with Step(do.__name__):
                    do(content)
    with Step("errors"):
        errors()
    print(f"suite, version {VERSION}: {claims['held']} claims hold, {claims['failed']} do not, 0 skipped")
    return 1 if claims["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
