import * as z from 'zod';

/** Why an attempt at a cell, or a cell, failed. */
export const FAILURES = [
  'usage',
  'data',
  'backend',
  'out of memory',
  'loss spike',
  'disk full',
  'killed',
  'lost',
  'failed',
] as const;

/** See {@link FAILURES}. */
export type Failure = (typeof FAILURES)[number];

/** Failures that are not the fault of the cell: it is tried again by itself. */
export const RETRIED: ReadonlySet<Failure> = new Set(['killed', 'lost', 'disk full']);

/**
 * Schema of a line of a cell's `attempts.jsonl`. `begin` and `end` are one attempt; one without an end was cut off.
 * `retry` is written by hand: failures before it do not count any more.
 */
export const attemptSchema = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('begin'),
    attempt: z.number().int().min(1),
    time: z.string(),
    executor: z.string(),
    host: z.string(),
    /** What the executor calls it: a process, a job. */
    job: z.string().optional(),
  }),
  z.strictObject({
    event: z.literal('end'),
    attempt: z.number().int().min(1),
    time: z.string(),
    code: z.number().int().nullable(),
    signal: z.string().nullable(),
    outcome: z.enum(['done', 'interrupted', 'failed']),
    failure: z.enum(FAILURES).optional(),
    /** The error in one line. */
    reason: z.string().optional(),
  }),
  z.strictObject({ event: z.literal('retry'), time: z.string() }),
]);

/** See {@link attemptSchema}. */
export type Attempt = z.infer<typeof attemptSchema>;

/**
 * State of a cell, worked out from its files and locks each time; never stored. `done`: its run is
 * done, the adapter has the hash that the run recorded, and the rows consumed are the planned ones.
 * `running`: a live lock. `queued`: the executor has it and it has not begun. `interrupted`: begun,
 * no lock, continues by itself. `lost`: the executor does not know it any more and its lock is
 * silent. `failed`: its last attempt failed and it is not tried again by itself.
 */
export type CellState =
  | { readonly state: 'done' | 'queued' | 'waiting' | 'interrupted' | 'lost' }
  | { readonly state: 'running'; readonly host: string; readonly pid: number; readonly since: string }
  | { readonly state: 'failed'; readonly failure: Failure; readonly reason: string; readonly attempts: number };
