#!/usr/bin/env bash
# A job array through a real Slurm on one machine: submitted, followed, and with the exit code of its worst task.
source "$(dirname "$0")/lib.sh"
need skopeo umoci busybox crun python3 sbatch munged
[ "$(id -u)" = 0 ] || skip "starting Slurm needs root"
id munge >/dev/null 2>&1 || skip "there is no user munge"
S="$work/slurm"
mkdir -p "$S"/{key,run,mrun,state,spool,log}
dd if=/dev/urandom of="$S/key/munge.key" bs=1024 count=1 2>/dev/null
chown -R munge: "$S/key" "$S/mrun"; chmod 700 "$S/key"; chmod 400 "$S/key/munge.key"; chmod 755 "$S" "$S/mrun"
su munge -s /bin/sh -c "/usr/sbin/munged --key-file=$S/key/munge.key --socket=$S/mrun/s --pid-file=$S/mrun/pid --log-file=$S/key/log --seed-file=$S/key/seed"
cleanups+=("kill \$(cat $S/run/slurmd.pid $S/run/slurmctld.pid $S/mrun/pid 2>/dev/null)")
H=$(hostname -s)
cat >"$S/slurm.conf" <<CONF
ClusterName=tre
SlurmctldHost=$H(127.0.0.1)
SlurmctldPort=16917
SlurmdPort=16918
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$S/mrun/s
CredType=cred/munge
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool
SlurmctldPidFile=$S/run/slurmctld.pid
SlurmdPidFile=$S/run/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SwitchType=switch/none
ReturnToService=2
KillWait=5
MailProg=/bin/true
NodeName=$H NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=$H Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$S/slurm.conf"
/usr/sbin/slurmctld -c -f "$SLURM_CONF" && /usr/sbin/slurmd -f "$SLURM_CONF"
until_true bash -c '[ "$(sinfo -h -o %T)" = idle ]' || skip "Slurm does not start on this machine"

clean_image clean
gate_start <<<'policy: tre'
push ann clean nextflow-staging/ann:1.0 >/dev/null 2>&1
as rea review approve "$(newest ann)" --note ok >/dev/null
image=nextflow-approved/ann:1.0
mkdir "$work/out"
cd "$work"
run() { as ann run --engine slurm -m 1 --outputs "$work/out" "$@"; }
claim "the batch script can be read first" run --dry-run "$image" -- echo "it's"
says "#SBATCH --cpus-per-task=1"
claim "a job runs on the node and its output is shown" run "$image" -- sh -c 'echo from the node'
says "from the node"
claim "an array runs every task" run --array 0-2 "$image" -- sh -c 'echo $SLURM_ARRAY_TASK_ID > /safe_outputs/task-$SLURM_ARRAY_TASK_ID'
[ "$(cat "$work"/out/task-* | tr -d '\n')" = 012 ] || die "tasks are missing: $(ls "$work/out")"
code=0; run --array 0-1 "$image" -- sh -c 'exit $((SLURM_ARRAY_TASK_ID * 4))' >/dev/null 2>&1 || code=$?
claim "the exit code is the worst task's" [ "$code" = 4 ]
run "$image" -- sh -c 'touch /safe_outputs/going; exec sleep 600' >/dev/null 2>&1 &
job=$!
claim "a long job starts" until_true test -e "$work/out/going"
pkill -TERM -P "$job" # the command itself: $job is the shell around it
code=0; wait "$job" || code=$?
claim "ending the command cancels the job" [ "$code" != 0 ]
claim "nothing is left in the queue" bash -c 'for i in 1 2 3 4 5 6; do [ -z "$(squeue -h)" ] && exit 0; timeout 5 tail -f /dev/null; done; squeue; exit 1'
claim "a Kubernetes manifest is printed" as ann run --engine k8s --project p1 --dry-run "$image"
says "kueue.x-k8s.io/queue-name"
