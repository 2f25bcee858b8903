#!/usr/bin/env python3
"""A small OpenID Connect provider for tests: discovery, keys, the device flow. Signs RS256 with the openssl program.

usage: oidc_server.py DIRECTORY   prints its address, keeps its key in DIRECTORY; the code is confirmed by GET /confirm
"""
import base64, http.server, json, pathlib, re, subprocess, sys, time, urllib.parse

directory = pathlib.Path(sys.argv[1])
key = directory / "key.pem"
subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
modulus = subprocess.run(["openssl", "rsa", "-in", str(key), "-noout", "-modulus"], check=True, capture_output=True, text=True)
state = {"confirmed": False, "user": "ann-of-idp", "subject": "s-1", "aud": "pratique"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims: dict, header: dict) -> str:
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=text.encode(), check=True, capture_output=True)
    return text + "." + b64(signed.stdout)


class Provider(http.server.BaseHTTPRequestHandler):
    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def claims(self, **more):
        now = int(time.time())
        return {"iss": issuer, "sub": state["subject"], "aud": state["aud"], "iat": now, "exp": now + 300,
                "preferred_username": state["user"], **more}

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/.well-known/openid-configuration":
            return self.answer({"issuer": issuer, "jwks_uri": issuer + "/keys", "token_endpoint": issuer + "/token",
                                "device_authorization_endpoint": issuer + "/device"})
        if path == "/keys":
            n = bytes.fromhex(re.search("=([0-9A-F]+)", modulus.stdout).group(1))
            return self.answer({"keys": [{"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": b64(n), "e": "AQAB"}]})
        if path == "/confirm":
            state["confirmed"] = True
            return self.answer({})
        if path == "/workload":  # what a build server gives its jobs
            asked = dict(urllib.parse.parse_qsl(query))
            return self.answer({"value": token(self.claims(sub=asked["sub"], aud=asked["aud"]), {"alg": "RS256", "kid": "k1"})})
        self.answer({}, 404)

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.path == "/device" and form.get("client_id") == "pratique":
            return self.answer({"device_code": "d-1", "user_code": "WDJB-MJHT", "interval": 1, "expires_in": 60,
                                "verification_uri": issuer + "/confirm"})
        if self.path == "/token" and form.get("device_code") == "d-1":
            if not state["confirmed"]:
                return self.answer({"error": "authorization_pending"}, 400)
            return self.answer({"token_type": "Bearer", "id_token": token(self.claims(), {"alg": "RS256", "kid": "k1"})})
        self.answer({"error": "invalid_request"}, 400)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
issuer = f"http://127.0.0.1:{server.server_port}"
print(issuer, flush=True)
server.serve_forever()
