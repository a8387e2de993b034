import * as z from 'zod';
import { PhasetuneError } from '../../../core/errors.js';
import { tryParseJson } from '../../../core/json-text.js';
import { exists, readText } from '../../../io/files.js';
import { openAppender } from '../../../io/jsonl.js';
import { slurmPaths } from './paths.js';

const count = z.number().int().min(1);

/**
 * Schema of a line of `slurm/submissions.jsonl`: what was to be submitted, written before it was, and what came of it.
 * A batch is one array of jobs; its tasks are numbered from 0 in the order of `cells`.
 */
export const submissionSchema = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('intent'),
    batch: count,
    time: z.string(),
    /** Name of the job. */
    name: z.string(),
    /** Indices of the cells. */
    cells: z.array(count).min(1),
    /** The attempt at each. */
    attempts: z.array(count).min(1),
  }),
  z.strictObject({
    event: z.literal('submitted'),
    batch: count,
    time: z.string(),
    /** Id of the array. */
    job: z.string(),
    /** Where sites have several. */
    cluster: z.string().optional(),
  }),
  z.strictObject({ event: z.literal('refused'), batch: count, time: z.string(), reason: z.string() }),
]);

/** See {@link submissionSchema}. */
export type Submission = z.infer<typeof submissionSchema>;

/** An array of jobs that was submitted, or was to be. */
export interface Batch {
  readonly batch: number;
  readonly name: string;
  readonly cells: readonly number[];
  readonly attempts: readonly number[];
  /** The last id that is known of it; undefined while it is not sure that Slurm has it. */
  readonly job?: string | undefined;
  readonly cluster?: string | undefined;
  readonly refused: boolean;
}

/** Batches of a study by number; a line that is cut off is left out. */
export async function readSubmissions(folder: string): Promise<ReadonlyMap<number, Batch>> {
  const path = slurmPaths(folder).submissions;
  const batches = new Map<number, Batch>();
  if (!exists(path)) return batches;
  for (const text of (await readText(path)).split('\n')) {
    const { data: line } = submissionSchema.safeParse(tryParseJson(text));
    if (!line) continue;
    if (line.event === 'intent') {
      const { batch, name, cells, attempts } = line;
      batches.set(batch, { batch, name, cells, attempts, refused: false });
      continue;
    }
    const before = batches.get(line.batch);
    if (!before) throw unintended(path, line.batch);
    if (line.event === 'refused') batches.set(line.batch, { ...before, refused: true });
    else batches.set(line.batch, { ...before, job: line.job, cluster: line.cluster });
  }
  return batches;
}

/** Appends a line, on the disk when it resolves. */
export async function noteSubmission(folder: string, line: Submission): Promise<void> {
  const appender = await openAppender(slurmPaths(folder).submissions);
  try {
    await appender.append(line);
    await appender.flush();
  } finally {
    await appender.close();
  }
}

const unintended = (path: string, batch: number) =>
  new PhasetuneError('data', `${path}: batch ${batch} has no line that it was to be submitted; was the file changed?`, {
    file: path,
  });
