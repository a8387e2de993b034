/** What Slurm says of one task of an array. */
export interface SlurmTask {
  /** Id of the array. */
  readonly array: string;
  /** Index in it, from 0; undefined for all that have no line of their own: those that waited and were cancelled. */
  readonly task: number | undefined;
  /** Name of the job. */
  readonly name: string;
  /** `PENDING`, `NODE_FAIL`. */
  readonly state: string;
  /** Why it waits: `Priority`; empty where that is not said. */
  readonly reason: string;
}

/** Format of `squeue` that {@link readQueue} takes. */
export const QUEUE_FORMAT = '%i|%T|%j|%r';

/** Format of `sacct` that {@link readAccounting} takes. */
export const ACCOUNTING_FORMAT = 'JobID,State,JobName,Submit';

/** Lines of `squeue -h -r`, one a task; others are left out. */
export const readQueue = (text: string): SlurmTask[] =>
  text.split('\n').flatMap((line) => {
    const [id = '', state = '', name = '', reason = ''] = line.split('|');
    const place = placeOf(id);
    return place ? [{ ...place, state: word(state), name, reason }] : [];
  });

/**
 * Lines of `sacct -n -P -D -X`, the newest of each task: one that was preempted or lost its node and was requeued has a
 * line for every try.
 */
export function readAccounting(text: string): SlurmTask[] {
  const newest = new Map<string, SlurmTask & { readonly submitted: string }>();
  for (const line of text.split('\n')) {
    const [id = '', state = '', name = '', submitted = ''] = line.split('|');
    const place = placeOf(id);
    if (!place) continue;
    const before = newest.get(id);
    if (before && before.submitted > submitted) continue;
    newest.set(id, { ...place, state: word(state), name, reason: '', submitted });
  }
  return [...newest.values()];
}

function placeOf(id: string): Pick<SlurmTask, 'array' | 'task'> | undefined {
  const parts = /^(\d+)(?:_(\d+))?$/.exec(id.trim());
  return parts ? { array: parts[1]!, task: parts[2] === undefined ? undefined : Number(parts[2]) } : undefined;
}

/** `CANCELLED by 1000` is CANCELLED. */
const word = (state: string): string => /^[A-Z_]*/.exec(state.trim())![0];

/** What the end of a job that did not say so itself comes to. */
export interface SlurmEnd {
  readonly failure: 'killed' | 'lost';
  readonly outOfMemory?: boolean;
}

/** States after which a job does not run again by itself, besides COMPLETED. */
const ENDS: Readonly<Record<string, SlurmEnd>> = {
  BOOT_FAIL: { failure: 'lost' },
  CANCELLED: { failure: 'killed' },
  DEADLINE: { failure: 'killed' },
  // The script did not come to its end: it was killed, or could not begin.
  FAILED: { failure: 'killed' },
  NODE_FAIL: { failure: 'lost' },
  OUT_OF_MEMORY: { failure: 'killed', outOfMemory: true },
  PREEMPTED: { failure: 'killed' },
  REVOKED: { failure: 'killed' },
  TIMEOUT: { failure: 'killed' },
};

/** States in which a job waits. */
const WAITING = new Set(['PENDING', 'REQUEUED', 'REQUEUE_FED', 'REQUEUE_HOLD', 'RESV_DEL_HOLD', 'SPECIAL_EXIT']);

/** What a state of Slurm means. A word that is not known is that of a job that is there. */
export function meaningOf(state: string): 'queued' | 'running' | 'completed' | SlurmEnd {
  if (state === 'COMPLETED') return 'completed';
  return ENDS[state] ?? (WAITING.has(state) ? 'queued' : 'running');
}
