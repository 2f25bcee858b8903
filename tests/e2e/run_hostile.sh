#!/usr/bin/env bash
# A container that tries to get out, to stay, to fill and to spoil: each attempt is contained, and the host is unchanged.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox crun python3
[ "$(id -u)" = 0 ] || skip "pratique run needs root"
clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
as rea review approve "$(newest ann)" --note ok >/dev/null
image=nextflow-approved/ann:1.0
export PRATIQUE_RUN_RULES="$work/rules.yaml"
echo 'keep_images: yes' >"$PRATIQUE_RUN_RULES"
mkdir "$work/project" "$work/out"
echo original >"$work/project/input"
echo host-secret >"$work/secret"; chmod 600 "$work/secret"
job() { as ann run --data "$work/project" --outputs "$work/out" --scratch 64M -m 256M --time 60s "$@"; }
script() { job "$image" -- sh -c "$1"; }
state_before() { { mount; ls /sys/fs/cgroup/*/ -d; ip link 2>/dev/null; sysctl kernel.hostname; losetup -a 2>/dev/null; } | sort; }
state_before >"$work/before.txt"

refuse "writing to read-only data" script 'echo x > /safe_data/input'
refuse "remounting it writable" script 'mount -o remount,rw /safe_data'
refuse "unmounting it to see what is below" script 'umount /safe_data'
[ "$(cat "$work/project/input")" = original ] || die "the data was changed"
claim "a link out of the outputs leads nowhere on the host" script "ln -s $work/secret /safe_outputs/link; ! cat /safe_outputs/link"
claim "and stays a link that nobody followed" [ "$(cat "$work/secret")" = host-secret ]
rm -f "$work/out/link"
refuse "device nodes" script 'mknod /scratch/sda b 8 0'
refuse "device nodes in the outputs" script 'mknod /safe_outputs/null c 1 3'
refuse "set-id programs in the outputs" script 'cp /bin/busybox /safe_outputs/sh && chmod 4755 /safe_outputs/sh'
claim "nothing with set-id bits came out" [ -z "$(find "$work/out" -perm /6000)" ]
refuse "mounting" script 'mount -t tmpfs none /mnt'
refuse "new user namespaces" script 'unshare -U true'
refuse "new network namespaces" script 'unshare -n true'
refuse "another root" script 'chroot /scratch /bin/sh'
refuse "the host's name" script 'hostname owned'
refuse "kernel settings" script 'echo 1 > /proc/sys/kernel/panic'
refuse "sysrq" script 'echo b > /proc/sysrq-trigger'
refuse "kernel memory" script '[ -s /proc/kcore ]'
refuse "control groups" script 'mkdir /sys/fs/cgroup/x'
python3 - "$work/port" <<'PY' &
import socket,sys,time,os
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(8)
a=socket.socket(socket.AF_UNIX); a.bind("\0pratique-hostile-test"); a.listen(8)
open(sys.argv[1]+".tmp","w").write(str(s.getsockname()[1])); os.rename(sys.argv[1]+".tmp",sys.argv[1])
time.sleep(300)
PY
listener=$!
cleanups+=("kill $listener")
until_true test -e "$work/port"
refuse "the host's loopback" script "nc -w 2 127.0.0.1 $(cat "$work/port") </dev/null"
claim "the host's abstract sockets are not there" script '! grep -q pratique-hostile-test /proc/net/unix'
start=$(date +%s)
refuse "the internet" script 'nc -w 30 192.0.2.1 80 </dev/null'
claim "which is refused at once, not after a while" [ $(($(date +%s) - start)) -lt 10 ]
claim "the processes of the host are not there" script '[ "$(ls /proc | grep -c "^[0-9]")" -lt 6 ]'
claim "signals to everybody reach nobody outside" script 'kill -9 -1; true'
claim "the gate is alive" api rea whoami
refuse "a fork bomb" script 'b() { b | b & }; b; sleep 1; b; exit 1'
refuse "filling the disk" script 'dd if=/dev/zero of=/scratch/big bs=1M count=200'
says "No space left"
refuse "filling the root file system" script 'dd if=/dev/zero of=/big bs=1M count=200'
refuse "exhausting inodes" script 'mkdir /scratch/d; cd /scratch/d; i=0; while [ $i -lt 40000 ]; do : > f$i || exit 1; i=$((i+1)); done'
refuse "more memory than it has" script 'x=$(head -c 300000000 /dev/zero | tr "\0" x); echo ${#x}'
says "needed more than"
claim "daemons that would stay" script '(setsid sleep 1234 >/dev/null 2>&1 &) ; (setsid sleep 1234 >/dev/null 2>&1 &); true'
claim "are gone with the job" bash -c '! pgrep -f "^sleep 1234"'
code=0; job --time 1s "$image" -- sh -c 'trap "" TERM INT; while :; do sleep 1; done' >/dev/null 2>&1 || code=$?
claim "ignoring SIGTERM ends in SIGKILL" [ "$code" = 137 ]
claim "a huge log" bash -c "PRATIQUE_USER=ann PRATIQUE_PASSWORD=$(password_of ann) '$PRATIQUE' run --outputs '$work/out' $image -- sh -c 'yes 0123456789012345678901234567890123456789 | head -c 100000000' >/dev/null"
id=$("$PRATIQUE" jobs --all --format json | json "d['jobs'][0]['id']")
claim "is kept up to its bound" [ "$(stat -c %s "$PRATIQUE_DATA/run/records/$id.out")" -lt 68000000 ]
claim "every run has its record" [ "$("$PRATIQUE" jobs --all --format json | json "len([j for j in d['jobs'] if j['state']=='running'])")" = 0 ]
state_before >"$work/after.txt"
claim "the host is as it was" diff "$work/before.txt" "$work/after.txt"
claim "no scratch is left" bash -c "[ -z \"\$(ls '$PRATIQUE_DATA/run/jobs')\" ]"

# Killed at many moments: what is left is nothing, after the next start at the latest.
for moment in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6; do
  PRATIQUE_USER=ann PRATIQUE_PASSWORD="$(password_of ann)" "$PRATIQUE" run --outputs "$work/out" "$image" -- sleep 4321 >/dev/null 2>&1 &
  victim=$!
  read -rt "$moment" <> <(:) || true
  kill -9 "$victim" 2>/dev/null || true
  wait "$victim" 2>/dev/null || true
done
claim "after runners were killed at many moments, the next run works" script true
claim "no process of theirs is left" bash -c '! pgrep -f "^sleep 4321"'
claim "no directory" bash -c "[ -z \"\$(ls '$PRATIQUE_DATA/run/jobs')\" ]"
claim "no half layer" bash -c "[ -z \"\$(ls '$PRATIQUE_DATA/run/layers' | grep unfinished || true)\" ]"
claim "no run that seems to go on" bash -c "[ -z \"\$('$PRATIQUE' jobs | grep running || true)\" ]"
state_before >"$work/after.txt"
claim "and no mount, group or device" diff "$work/before.txt" "$work/after.txt"
