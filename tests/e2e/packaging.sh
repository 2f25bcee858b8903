#!/usr/bin/env bash
# The Debian package: built, looked at by lintian, installed into a bare Debian, started by its unit's own command line,
# pushed to; and `cmake --install` into a prefix.
source "$(dirname "$0")/lib.sh"
need cmake cpack dpkg-deb
build=$(dirname "$PRATIQUE")
[ -f "$build/CPackConfig.cmake" ] || skip "$build is no build directory"

claim "cmake --install works into a prefix" cmake --install "$build" --prefix "$work/prefix"
claim "the installed program starts" "$work/prefix/bin/pratique" version
claim "and its unit names it" grep -qx "ExecStart=$work/prefix/bin/pratique serve --config $work/prefix/etc/pratique/pratique.yaml" "$work/prefix/lib/systemd/system/pratique.service"
echo '# mine' >>"$work/prefix/etc/pratique/pratique.yaml"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
claim "a second install leaves the configuration alone" grep -qx '# mine' "$work/prefix/etc/pratique/pratique.yaml"

claim "cpack makes a Debian package" cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/deb"
deb=$(ls "$work"/deb/pratique_*.deb)
claim "which depends on the libraries it links" bash -c 'dpkg-deb -f "$1" Depends | grep -q "libssl3.*" && dpkg-deb -f "$1" Depends | grep -q libisal2' - "$deb"
if command -v lintian >/dev/null; then
  # The one tag that is about uploads to Debian's own archive.
  claim "lintian finds nothing to complain of" lintian --allow-root --suppress-tags initial-upload-closes-no-bugs --fail-on error,warning "$deb"
else
  echo "note: lintian is not installed"
fi
dpkg-deb -x "$deb" "$work/x"
unit="$work/x/lib/systemd/system/pratique.service"
if command -v systemd-analyze >/dev/null; then
  # verify looks for programs where the unit says they are, here below the unpacked package.
  mkdir -p "$work/x/bin" && cp /bin/kill "$work/x/bin/kill"
  claim "systemd takes the unit" bash -c 'systemd-analyze verify --root="$1" --man=no --recursive-errors=no pratique.service 2>&1 | tee "$2"; ! grep -i "pratique.service:" "$2"' - "$work/x" "$work/verify.txt"
  claim "systemd counts it among the well shut" systemd-analyze security --offline=yes --threshold=15 "$unit"
else
  echo "note: systemd-analyze is not installed"
fi

[ "$(id -u)" = 0 ] || skip "the rest installs into a bare Debian and needs root"
need mmdebstrap skopeo umoci busybox
bare="$work/bare"
# What the package says it needs, and nothing else of it: dpkg below knows no mirror.
depends=$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 2>/dev/null | awk '$2 == "bookworm" { print $1; exit }')
mmdebstrap --quiet --mode=root --variant=minbase --aptopt='APT::Install-Recommends "false"' --include="man-db,bash-completion,$depends" \
  bookworm "$bare" "deb ${mirror:-http://deb.debian.org/debian} bookworm main" >"$work/bare.log" 2>&1 ||
  { tail -n 3 "$work/bare.log"; skip "no Debian mirror to make a bare system from"; }
# As a machine would see it: a root of its own, with /proc.
into=(unshare --mount --pid --fork --kill-child=KILL --mount-proc="$bare/proc" chroot "$bare"
  /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
inside() { "${into[@]}" "$@"; }
cp "$deb" "$bare/pratique.deb"
claim "the package installs into a bare Debian" inside dpkg -i /pratique.deb
claim "its account owns its directory" inside bash -c '[ "$(stat -c %U:%a /var/lib/pratique)" = pratique:700 ]'
claim "nothing of it can be written by others" inside bash -c '! dpkg -L pratique | xargs -d "\n" find -maxdepth 0 -perm /022 ! -type l 2>/dev/null | grep .'
claim "its configuration is the administrator's" inside bash -c 'dpkg-query -W -f "\${Conffiles}" pratique | grep -q /etc/pratique/pratique.yaml'
claim "the manual is read" inside bash -c 'man pratique.yaml | cat'
says "verdict_wait_seconds"
claim "a word is completed" inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader pratique; COMP_WORDS=(pratique admin jour); COMP_CWORD=2; _pratique; echo "${COMPREPLY[@]}"'
says "journal"

port=$((20000 + RANDOM % 10000))
printf 'listen: 127.0.0.1:%s\n' "$port" >>"$bare/etc/pratique/pratique.yaml"
start=$(sed -n 's/^ExecStart=//p' "$bare/lib/systemd/system/pratique.service")
check=$(sed -n 's/^ExecStartPre=//p' "$bare/lib/systemd/system/pratique.service")
as_service="setpriv --reuid=pratique --regid=pratique --clear-groups --no-new-privs --bounding-set=-all env HOME=/var/lib/pratique PRATIQUE_DATA=/var/lib/pratique"
claim "the unit's check passes as the service's account" inside $as_service $check
# In the journal's place: the program is told that its output is kept.
"${into[@]}" $as_service bash -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1) exec '"$start" >"$work/serve.out" 2>"$work/serve.log" &
server=$!
until_true grep -q '^Listening on ' "$work/serve.out" || die "the unit's command did not start"
url=http://127.0.0.1:$port host=127.0.0.1:$port
claim "the password is not in the journal but in a file" bash -c 'grep -q "password in /var/lib/pratique/initial-admin-password" "$1" && [ "$(stat -c %a "$2")" = 600 ]' - "$work/serve.out" "$bare/var/lib/pratique/initial-admin-password"
admin_password=$(cat "$bare/var/lib/pratique/initial-admin-password")
export PRATIQUE_SERVER="$url"
add_user ann submitter,runner
clean_image study
claim "an image is pushed to it" push ann study nextflow-staging/ann:1.0
claim "and is known there" as ann status
says "nextflow-staging/ann:1.0"
kill -TERM "$(pgrep -P "$server")"
wait "$server" || true
server=''
claim "it ended in order" grep -q 'serving ended' "$work/serve.log"
claim "the package goes again" inside dpkg -r pratique
claim "and what it kept stays" test -f "$bare/var/lib/pratique/pratique.db"
claim "purging is possible too" inside dpkg --purge pratique
refuse "its configuration went" test -e "$bare/etc/pratique/pratique.yaml"

if [ "${PRATIQUE_CONTAINER_TEST:-}" = 1 ]; then
  claim "the container image is built" "$root/packaging/container/build" "$deb" "$work/container" 0.1
  claim "and starts the gate" bash -c 'umoci config --image "$1:0.1" --help >/dev/null; skopeo inspect --config "oci:$1:0.1" | grep -q /usr/bin/pratique' - "$work/container"
fi
