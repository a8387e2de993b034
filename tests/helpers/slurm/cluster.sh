#!/usr/bin/env bash
# A throwaway Slurm of one node, for tests: its own munged, slurmctld and slurmd, in a temporary folder, on free ports, without systemd.
#
#   cluster.sh start [--for PROCESS] [LINE…]   starts one and prints its folder; stops it when that process is gone; LINE is added to
#                                              slurm.conf: MinJobAge=20
#   cluster.sh restart FOLDER                  stops the controller and starts it again
#   cluster.sh down|up FOLDER                  only stops it, only starts it
#   cluster.sh stop FOLDER                     ends everything in it and removes the folder
#
# With SLURM_CONF=FOLDER/slurm.conf the commands of Slurm talk to it. Runs as root, as in a container, or as any user, whose jobs it then
# runs. Needs Debian's packages slurmctld, slurmd, slurm-client and munge; ends with 3 and one line where they are missing.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
unset "${!SLURM_@}" "${!SBATCH_@}" "${!SRUN_@}" "${!MUNGE_@}" "${!PMI@}"

fail() {
  echo "test cluster: $*" >&2
  exit 1
}

# Waits up to 100 × 0.1 s, or as often as the first word says, until a command succeeds.
await() {
  local tries=$1
  shift
  until "$@"; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}

process_of() { cat "$folder/$1.pid" 2>/dev/null; }
alive() {
  local process
  process=$(process_of "$1") && [ -n "$process" ] && [ -d "/proc/$process" ]
}
gone() { ! alive "$1"; }

# Ends the daemon of a pid file: asked first, then at once.
end() {
  alive "$1" || return 0
  kill "$(process_of "$1")" 2>/dev/null || true
  await 50 gone "$1" || kill -KILL "$(process_of "$1")" 2>/dev/null || true
  await 20 gone "$1"
}

controller() {
  slurmctld "$@" 2>>"$folder/log/started" || fail "slurmctld does not start: $(tail -n 3 "$folder/log/started" "$folder/log/slurmctld" 2>&1)"
}
answers() { timeout 5 scontrol ping 2>/dev/null | grep -q ' is UP'; }
idle() { [ "$(timeout 5 sinfo -h -p low -o %t 2>/dev/null)" = idle ]; }

# Ports that nobody listens on, below those which the system gives to outgoing connections.
free_ports() {
  local found=() port
  while ((${#found[@]} < $1)); do
    port=$((RANDOM % 12000 + 18000))
    [[ " ${found[*]} " == *" $port "* ]] || (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || found+=("$port")
  done
  echo "${found[@]}"
}

start() {
  local program missing=() owner=
  if [ "${1:-}" = --for ]; then
    owner=$2
    shift 2
  fi
  for program in munged slurmctld slurmd sbatch; do command -v "$program" >/dev/null || missing+=("$program"); done
  if ((${#missing[@]})); then
    echo "Slurm is missing: ${missing[*]} (install slurmctld, slurmd, slurm-client and munge)" >&2
    exit 3
  fi

  folder=$(mktemp -d "${TMPDIR:-/tmp}/phasetune-slurm-XXXXXX")
  export SLURM_CONF="$folder/slurm.conf"
  trap 'code=$?; stop; exit $code' ERR EXIT
  # Processes of other users' jobs have to get at the socket and the spool.
  chmod 755 "$folder"
  mkdir -p "$folder"/{munge,state,spool,log}
  chmod 711 "$folder/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
  munged --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" --force 2>"$folder/log/munged" ||
    fail "munged does not start: $(tail -n 3 "$folder/log/munged")"

  local host user ports
  host=$(uname -n)
  host=${host%%.*}
  user=$(id -un)
  read -ra ports <<<"$(free_ports 2)"
  # Cores: more than the machine may have (config_overrides). A requeued job waits for cred_expire to pass, two minutes by default.
  cat >"$folder/slurm.conf" <<CONF
ClusterName=phasetune
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=10
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=60
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 State=UNKNOWN
PartitionName=low Nodes=$host Default=YES PriorityTier=1 MaxTime=60 DefaultTime=10 State=UP
PartitionName=high Nodes=$host PriorityTier=2 MaxTime=60 DefaultTime=10 State=UP
CONF
  # A later line of one option would be refused: the added ones replace.
  local line
  for line in "$@"; do
    [[ $line == [A-Z]*=* ]] || fail "expected a line of slurm.conf, found $line"
    [[ $line == PartitionName=* || $line == NodeName=* ]] || sed -i "/^${line%%=*}=/d" "$folder/slurm.conf"
    echo "$line" >>"$folder/slurm.conf"
  done
  # Where control groups are of version 2, slurmd would ask systemd.
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || echo IgnoreSystemd=yes >"$folder/cgroup.conf"

  controller -i
  await 100 answers || fail "slurmctld does not answer: $(tail -n 5 "$folder/log/slurmctld")"
  slurmd 2>>"$folder/log/started" || fail "slurmd does not start: $(tail -n 5 "$folder/log/slurmd" "$folder/log/started" 2>&1)"
  await 200 idle || fail "the node does not become idle: $(sinfo 2>&1; tail -n 5 "$folder/log/slurmd")"
  trap - ERR EXIT
  if [ -n "$owner" ]; then
    setsid "$BASH" -c 'while [ -d "/proc/$1" ]; do sleep 2; done; exec "$0" stop "$2"' "$0" "$owner" "$folder" </dev/null >/dev/null 2>&1 &
    echo $! >"$folder/guard.pid"
  fi
  echo "$folder"
}

stop() {
  # Jobs first: their processes outlive slurmd.
  if alive slurmctld && alive slurmd; then
    local tries
    for tries in 1 2 3; do
      # Again: a script may have put its job back into the queue.
      timeout 10 scancel -u "$(id -un)" 2>/dev/null || true
      ! await 70 empty || break
    done
  fi
  local daemon
  for daemon in slurmd slurmctld munged; do end "$daemon" || true; done
  [ "$(process_of guard)" = $$ ] || end guard || true
  rm -rf "$folder"
}
empty() { [ -z "$(timeout 5 squeue -h -o %i 2>/dev/null)" ]; }

command=${1:?start, restart, down, up or stop}
shift
if [ "$command" != start ]; then
  folder=${1:?the folder of the cluster}
  [ -f "$folder/slurm.conf" ] || fail "no cluster in $folder"
  export SLURM_CONF="$folder/slurm.conf"
fi
case $command in
  start) start "$@" ;;
  stop) stop ;;
  down) end slurmctld ;;
  up) controller && await 100 answers ;;
  restart) end slurmctld && controller && await 100 answers ;;
  *) fail "expected start, restart, down, up or stop, found $command" ;;
esac
