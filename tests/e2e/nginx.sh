#!/usr/bin/env bash
# The example configuration of nginx in front of a gate: large pushes pass, links lead back through the proxy, and only
# the proxy's own word about the client counts.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox curl openssl nginx
port=$((20000 + RANDOM % 10000))
# nginx speaks to the gate from 127.0.0.2, so that the same machine's 127.0.0.1 is a stranger.
gate_start <<<'trusted_proxies: [127.0.0.2]'
mkdir -p "$work/nginx/logs" "$work/certs"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/certs/ca.crt" -days 2 \
  -subj /CN=localhost -addext 'subjectAltName=DNS:localhost' >/dev/null 2>&1
{
  echo "daemon off; pid $work/nginx/pid; error_log $work/nginx/logs/error.log; events {}"
  echo "http { access_log off; client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;"
  echo "uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;"
  sed -e "s#listen 443#listen 127.0.0.1:$port#; s#gate.example.org;#localhost;#; s#http://127.0.0.1:5000#http://$host#" \
    -e "s#ssl_certificate /.*#ssl_certificate $work/certs/ca.crt;#; s#ssl_certificate_key /.*#ssl_certificate_key $work/key.pem;#" \
    -e 's#proxy_pass#proxy_bind 127.0.0.2; proxy_pass#' "$root/packaging/nginx/pratique.conf"
  echo "}"
} >"$work/nginx/nginx.conf"
claim "nginx takes the example" nginx -t -p "$work/nginx" -c "$work/nginx/nginx.conf"
nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" &
nginx=$!
cleanups+=("kill $nginx")
through() { curl -sS --cacert "$work/certs/ca.crt" "$@"; }
claim "the gate answers through it" until_true through -f "https://localhost:$port/healthz"

challenge() { grep -i '^www-authenticate:' "$work/last.txt"; }
claim "a challenge through the proxy is fetched" through -i "https://localhost:$port/v2/"
says "realm=\"https://localhost:$port/v2/token\""
claim "what a client claims through the proxy is replaced" through -i -H 'X-Forwarded-Host: evil.example' -H 'X-Forwarded-Proto: http' "https://localhost:$port/v2/"
says "realm=\"https://localhost:$port/v2/token\""
silent evil.example
claim "past the proxy nobody is believed" curl -sS -i -H 'X-Forwarded-Host: evil.example' -H 'X-Forwarded-Proto: https' "$url/v2/"
says "realm=\"$url/v2/token\""
silent evil.example

clean_image study
head -c 12000000 /dev/urandom >"$work/root-study/noise"
tar -C "$work/root-study" -cf "$work/noise.tar" noise
umoci raw add-layer --image "$work/study:latest" "$work/noise.tar"
through_nginx=(--dest-cert-dir "$work/certs" --dest-creds "ann:$(password_of ann)")
claim "an image with a layer of 12 MB is pushed through it" skopeo copy "${through_nginx[@]}" "oci:$work/study:latest" "docker://localhost:$port/nextflow-staging/ann:1.0"
claim "an open namespace gives it back" skopeo copy "${through_nginx[@]}" "oci:$work/study:latest" "docker://localhost:$port/library/study:1.0"
claim "through the proxy too" skopeo copy --src-cert-dir "$work/certs" --src-creds "ann:$(password_of ann)" "docker://localhost:$port/library/study:1.0" "oci:$work/back:latest"
gate_stop
