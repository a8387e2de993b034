import { constants } from 'node:os';
import { escapeControls } from '../core/escape.js';
import { hide } from '../telemetry/redact.js';
import type { JobEnd } from './executors/executor.js';
import type { Failure } from './state.js';

/** How an attempt at a cell ended. */
export interface Outcome {
  readonly outcome: 'done' | 'interrupted' | 'failed';
  readonly failure?: Failure;
  readonly reason?: string;
}

/** What is known when a job has ended. */
export interface EndedJob {
  /** Undefined where the executor does not know the job any more. */
  readonly end: JobEnd | undefined;
  /** The cell's files say that it is done. */
  readonly done: boolean;
  /** It was asked to stop. */
  readonly asked: boolean;
  /** The error that the run recorded, if it is a failed one. */
  readonly runError?: string | undefined;
  /** Who still holds the run: the job's way to here has ended, and not its work. */
  readonly holder?: { readonly pid: number; readonly host: string } | undefined;
  /** The study's disk has no space left. */
  readonly diskFull: boolean;
}

/** Exit statuses of `phasetune` by the kind of error. */
const STATUSES: Readonly<Record<number, Failure>> = { 2: 'usage', 3: 'data', 5: 'backend' };

/** Statuses of a process that saved and stopped since it was asked to, by us or by somebody else. */
const STOPPED = new Set([129, 130, 143]);

/** What ssh ends with when its connection is lost; nothing of ours does. */
const CONNECTION_LOST = 255;

/** What errors say, see `io/files.ts`, `core/out-of-memory.ts`, `train/trainer.ts`; and V8, where it ends by itself. */
const SAYINGS: readonly (readonly [Failure, RegExp])[] = [
  ['disk full', /no space left on the device|the disk quota is used up|ENOSPC|EDQUOT/],
  ['out of memory', /out of memory|bad_alloc|Cannot allocate memory|ENOMEM/i],
  ['loss spike', /the loss spiked to|the loss is (?:NaN|-?Infinity)|the norm of the gradients is/],
];

/** In use by another process, see `io/lock.ts`. */
const IN_USE = / is in use by process \d+/;

/** Longest reason, in characters. */
const MOST = 500;

/** What the end of a job comes to. What nobody knows is never success. */
export function outcomeOf(job: EndedJob): Outcome {
  const { end, done, asked, holder } = job;
  if (done) return { outcome: 'done' };
  const lastLine = plain(end?.lastLine ?? '');
  const unknown = !end || (end.code === null && end.signal === null) || end.code === CONNECTION_LOST;
  if (holder && (unknown || IN_USE.test(lastLine)))
    return { outcome: 'interrupted', reason: `process ${holder.pid} on host ${holder.host} runs it` };
  const signal = end && signalOf(end);
  if (asked && (unknown || signal !== undefined || STOPPED.has(end.code ?? 0))) return { outcome: 'interrupted' };
  const [failure, reason] = failureOf(job, lastLine, signal);
  return { outcome: 'failed', failure, reason: shorten(hide(reason)) };
}

function failureOf({ end, runError, diskFull }: EndedJob, lastLine: string, signal?: string): [Failure, string] {
  if (end?.outOfMemory && end.cause) return ['out of memory', end.cause.reason];
  if (end?.cause?.failure === 'killed' && diskFull) return ['disk full', lastLine || 'no space left on the device'];
  if (end?.cause)
    return [end.cause.failure, lastLine ? `${end.cause.reason}; last line: ${lastLine}` : end.cause.reason];
  if (!end || (end.code === null && !signal)) return ['lost', 'the executor does not know it any more'];
  if (end.outOfMemory) return ['out of memory', `the system ended it (${signal ?? end.code}) for lack of memory`];
  const known = STATUSES[end.code ?? 0];
  if (known) return [known, lastLine || `ended with status ${end.code}`];
  for (const text of [lastLine, signal ? '' : plain(runError ?? '')])
    for (const [failure, saying] of SAYINGS) if (saying.test(text)) return [failure, text];
  if (end.signal === null && STOPPED.has(end.code ?? 0))
    return ['killed', `interrupted by somebody else (status ${end.code})`];
  if (signal) return ['killed', `ended by ${signal}`];
  if (end.code === CONNECTION_LOST) return ['lost', lastLine || 'the connection was lost'];
  if (diskFull) return ['disk full', lastLine || 'no space left on the device'];
  if (end.code === 0) return ['failed', 'ended with status 0, and its run is not done'];
  return ['failed', lastLine || plain(runError ?? '') || `ended with status ${end.code}`];
}

/** The signal that ended a job, also where only a shell's status says so. */
function signalOf({ code, signal }: JobEnd): string | undefined {
  if (signal !== null) return signal;
  if (code === null || code <= 128) return undefined;
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
}

const plain = (line: string): string => escapeControls(line.trim()).replace(/^error: /, '');

const shorten = (text: string): string => (text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text);

/** A failure without what differs from cell to cell: names, paths, numbers. */
export const kindOf = ({ failure, reason = '' }: Outcome, id: string): string =>
  `${failure}: ${reason.replaceAll(id, 'CELL').replace(/\d+/g, '#')}`;

/** What an attempt comes to that the disk had no room to begin. */
export const diskFull = (error: unknown): Outcome => ({
  outcome: 'failed',
  failure: 'disk full',
  reason: (error as Error).message,
});
