"""What the wire checks share: a client that gets its token from the challenge, and the small words of OCI."""
import base64
import hashlib
import http.client
import json
import urllib.parse

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Failed(Exception):
    pass


class Client:
    """Sends requests with a bearer token that it got from the challenge, as real clients do."""

    def __init__(self, host, user, password):
        self.connection = http.client.HTTPConnection(host, timeout=60)
        self.token = self.get_token(user, password)

    def get_token(self, user, password):
        status, headers, _ = self.raw("GET", "/v2/", {})
        expect(status == 401, "probe without credentials is 401")
        challenge = headers["www-authenticate"]
        expect(challenge.startswith("Bearer "), "challenge is Bearer")
        realm = challenge.split('realm="')[1].split('"')[0]
        basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        status, _, body = self.raw("GET", urllib.parse.urlsplit(realm).path + "?service=x", {"Authorization": basic})
        expect(status == 200, "token endpoint answers Basic")
        return json.loads(body)["token"]

    def raw(self, method, target, headers, body=None, chunked=False):
        self.connection.request(method, target, body=body, headers=headers, encode_chunked=chunked)
        answer = self.connection.getresponse()
        fields = {}
        for name, value in answer.getheaders():  # RFC 9110 section 5.3: lines of one name are one list
            name = name.lower()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return answer.status, fields, answer.read()

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


def with_digest(location, value):
    return location + ("&" if "?" in location else "?") + "digest=" + urllib.parse.quote(value, safe="")
