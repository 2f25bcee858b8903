# Sourced: starts a `pratique serve` with an open namespace and a sparse one on a free port, stops it when the script ends.
#   start_server BINARY WORK_DIRECTORY   sets $registry (HOST:PORT), $user and $password
stop_server() {
  if [ -n "${server_pid:-}" ]; then
    kill "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
  fi
}

start_server() {
  binary=$1
  work=$2
  mkdir -p "$work/data"
  cat > "$work/config.yaml" <<'CONFIG'
listen: 127.0.0.1:0
namespaces:
  - {name: open, mode: open}
  - {name: sparse, mode: open, missing: accept}
log:
  level: warn
CONFIG
  "$binary" serve --config "$work/config.yaml" --data "$work/data" > "$work/server.out" 2> "$work/server.err" &
  server_pid=$!
  trap stop_server EXIT
  for _ in $(seq 100); do
    registry=$(sed -n 's#^Listening on http://##p' "$work/server.out")
    [ -n "$registry" ] && break
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  if [ -z "$registry" ]; then
    echo "the server did not start:" >&2
    tail -n 20 "$work/server.out" "$work/server.err" >&2
    return 1
  fi
  user=admin
  password=$(sed -n 's/^Administrator: user admin, password \([^ ]*\).*/\1/p' "$work/server.out")
}

# The binary to test: the first argument, else the newest build.
find_binary() {
  if [ -n "${1:-}" ]; then
    echo "$1"
    return
  fi
  # shellcheck disable=SC2012
  ls -t "$source_dir"/build/*/pratique 2>/dev/null | head -n 1
}
