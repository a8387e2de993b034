import { shellWord } from '../../../core/shell-word.js';
import type { SlurmOptions } from './options.js';

/** What a batch script is made of. */
export interface ScriptParts {
  /** The study's folder, as an absolute path. */
  readonly folder: string;
  readonly batch: number;
  /** Name of the job. */
  readonly name: string;
  /** Tasks of the array. */
  readonly tasks: number;
  /** Most tasks that run at once. */
  readonly parallel: number | undefined;
  readonly options: SlurmOptions;
  /** Threads of a cell. */
  readonly threads: number;
  /** Time limit of a cell; undefined for the partition's default. */
  readonly time: string | undefined;
  /** Program and first arguments that run a cell. */
  readonly cellCommand: readonly string[];
  /** Variables that the cell gets. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Seconds before the time limit at which a cell is asked to save; Slurm may do so a minute earlier. */
const WARN_SECONDS = 180;

/** The same where the limit is given in minutes: at most a quarter of it, or little would be left to compute in. */
const warnSeconds = (time: string | undefined): number =>
  Math.min(WARN_SECONDS, /^\d+$/.test(time ?? '') ? 15 * Number(time) : WARN_SECONDS);

/** How often a job that saved and stopped is continued by itself, before this counts as an end. */
const MOST_RESTARTS = 20;

/**
 * The batch script of an array, of which each task runs one cell. A task whose cell saved and stopped, since the time
 * limit is near or others need the node, goes back into the queue. One that ends for good writes how into
 * `slurm/ended/`. A second array of the same batch, which an interrupted submission may leave, runs nothing.
 */
export function batchScript(parts: ScriptParts): string {
  const { folder, batch, cellCommand, variables, options } = parts;
  return `#!/bin/bash
${optionLines(parts).join('\n')}

# Written by phasetune; its files are named in docs/studies.md.
cd ${shellWord(folder)} || exit 1
# Slurm asks these commands of one task by both numbers: the number of one task is that of the whole array.
this=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
task=$SLURM_ARRAY_TASK_ID

finish() {
  mkdir -p slurm/ended
  echo "$1" >"slurm/ended/.${batch}-$task.$this" && mv "slurm/ended/.${batch}-$task.$this" "slurm/ended/${batch}-$task"
  exit "$1"
}

# The first array of this batch to start is the one that runs.
owner=slurm/batch-${batch}.owner
echo "$SLURM_ARRAY_JOB_ID" >"$owner.$this"
ln "$owner.$this" "$owner" 2>/dev/null || (set -C; cat "$owner.$this" >"$owner") 2>/dev/null
rm -f "$owner.$this"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  read -r first <"$owner" && break
  sleep 1
done
if [ "$first" != "$SLURM_ARRAY_JOB_ID" ]; then
  echo "array $first runs this batch already: nothing to do"
  exit 0
fi
if [ -e "slurm/ended/${batch}-$task" ]; then exit 0; fi
if [ -e "slurm/stop/${batch}-$task" ]; then finish 130; fi

# The shell waits for the cell, which hears of the signals itself.
trap : TERM USR2
IFS=$'\\t' read -r index log < <(sed -n "$((task + 1))p" slurm/batch-${batch}.txt)
${[...Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`), ...(options.setup ?? [])].join('\n')}
if [ -e "slurm/stop/${batch}-$task" ]; then finish 130; fi
mkdir -p "\${log%/*}"
srun --export=ALL --cpus-per-task="$SLURM_CPUS_PER_TASK" --input=none ${[...cellCommand, folder].map(shellWord).join(' ')} "$index" >>"$log" 2>&1
status=$?
saved=

# A cell that saved and stopped, without being asked by us, is continued.
case $status in
  129 | 130 | 140 | 143) [ ! -e "slurm/stop/${batch}-$task" ] && [ "\${SLURM_RESTART_COUNT:-0}" -lt ${MOST_RESTARTS} ] && saved=1 ;;
esac
# Slurm may not answer for minutes. Where it counts more starts than this script knows of, it has put the task back
# into the queue itself: preempted, or the node is gone, which ends srun with status 0.
for _ in {1..20}; do
  if shown=$(scontrol show job "$this" 2>/dev/null); then
    [[ $shown =~ Restarts=([0-9]+) ]] && [ "\${BASH_REMATCH[1]}" -gt "\${SLURM_RESTART_COUNT:-0}" ] && exit 0
    # One that is not running any more was cancelled, or its time is up.
    [[ -n $saved && $shown == *JobState=RUNNING* ]] || break
    scontrol requeue "$this" && exit 0
  fi
  sleep 15
done
finish "$status"
`;
}

function optionLines({ batch, name, tasks, parallel, options, threads, time }: ScriptParts): string[] {
  const { partition, account, qos, cpus, memory, gres, constraint } = options;
  const given = { partition, account, qos, time, mem: memory, gres, constraint };
  return [
    `--job-name=${name}`,
    `--array=0-${tasks - 1}${parallel === undefined ? '' : `%${parallel}`}`,
    `--output=slurm/batch-${batch}-%a.out`,
    '--open-mode=append',
    '--export=NONE',
    '--requeue',
    `--signal=USR2@${warnSeconds(time)}`,
    '--nodes=1',
    '--ntasks=1',
    `--cpus-per-task=${cpus ?? threads}`,
    ...Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`])),
    ...(options.options ?? []),
  ].map((line) => `#SBATCH ${line}`);
}
