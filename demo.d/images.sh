# Builds the demo's images: real Debian root file systems with one small program, as OCI layouts. Sourced by ./demo.

# The Debian mirror this machine's apt uses.
mirror() {
  local found
  found=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -v security | head -n 1)
  echo "${found:-http://deb.debian.org/debian}"
}
security_mirror() {
  local found
  found=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep security | head -n 1)
  echo "${found:-http://deb.debian.org/debian-security}"
}

# The program a researcher would bring: reads a table, writes a summary.
write_program() {  # directory
  mkdir -p "$1/app" "$1/safe_data" "$1/safe_outputs" "$1/scratch"
  cat >"$1/app/summarise" <<'PROGRAM'
#!/bin/sh
# Counts rows and averages the second column of a CSV file with a heading.
set -eu
awk -F, 'NR > 1 { n++; sum += $2 } END { printf "rows %d\nmean %.2f\n", n, sum / n }' "$1" > /safe_outputs/summary.txt
echo "summarised $1"
PROGRAM
  chmod 755 "$1/app/summarise"
}

# make_image LAYOUT SUITE frozen|current: `frozen` is the release as last published, without its security suite.
make_image() {
  local layout=$1 suite=$2 kind=$3 build sources
  if [ -f "$layout/index.json" ]; then
    say "  $(basename "$layout"): $suite, $kind (kept from the last run)"
    return
  fi
  build=$(mktemp -d "${TMPDIR:-/tmp}/pratique-image.XXXXXX")
  sources=("deb $(mirror) $suite main")
  [ "$kind" = frozen ] || sources+=("deb $(mirror) $suite-updates main" "deb $(security_mirror) $suite-security main")
  say "  $(basename "$layout"): $suite, $kind …"
  if ! SOURCE_DATE_EPOCH=1700000000 mmdebstrap --quiet --variant=minbase --mode=root "$suite" "$build/root.tar" "${sources[@]}" >"$build/log" 2>&1; then
    tail -n 5 "$build/log" >&2
    rm -rf "$build"
    fail "mmdebstrap could not build $suite; the demo needs a Debian mirror the first time"
  fi
  write_program "$build/layer"
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1700000000 -C "$build/layer" -cf "$build/app.tar" .
  rm -rf "$layout.new"
  umoci init --layout "$layout.new" && umoci new --image "$layout.new:latest"
  umoci raw add-layer --image "$layout.new:latest" --history.created_by "FROM debian:$suite ($kind)" "$build/root.tar"
  umoci raw add-layer --image "$layout.new:latest" --history.created_by "COPY summarise /app/" "$build/app.tar"
  umoci config --image "$layout.new:latest" --os linux --architecture amd64 --config.entrypoint /app/summarise \
    --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  umoci gc --layout "$layout.new" >/dev/null 2>&1 || true
  du -m "$build/root.tar" | cut -f1 >"$layout.size"
  rm -rf "$build"
  mv "$layout.new" "$layout"
}
