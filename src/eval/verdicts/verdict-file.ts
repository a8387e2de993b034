import * as z from 'zod';
import { dataError, PhasetuneError } from '../../core/errors.js';
import { exists } from '../../io/files.js';
import { checkSchema } from '../../io/json.js';
import { readJsonLines, writeJsonLines } from '../../io/jsonl.js';
import type { Verdict } from './verdict.js';

const REASONS = [
  'unreadable',
  'refusal',
  'content-filter',
  'too-long',
  'endpoint',
  'no-answer',
  'not-asked',
  'unknown',
] as const satisfies readonly NonNullable<Verdict['reason']>[];

const reason = z.enum(REASONS);
const side = z.enum(['baseline', 'arm']);
const count = z.number().int().min(1);

const orderSchema = z.looseObject({
  first: side,
  better: z.enum(['baseline', 'arm', 'tie']).nullable(),
  logOdds: z.number().optional(),
  missing: reason.optional(),
  repeat: count.optional(),
  why: z.string().optional(),
});

const verdictSchema = z
  .looseObject({
    judge: z.string().min(1),
    set: z.string().min(1),
    id: z.string(),
    baseline: z.string().min(1),
    arm: z.string().min(1),
    run: count,
    baselineRun: count,
    state: z.enum(['judged', 'equal', 'both-empty', 'missing']),
    x: z.number().min(0).max(1).nullable(),
    orders: z.array(orderSchema),
    reason: reason.optional(),
  })
  .refine(({ state, x }) => (state === 'missing') === (x === null), {
    path: ['x'],
    message: 'expected null for a missing pair, and a number from 0 to 1 for any other',
  })
  .refine(({ state, reason }) => state !== 'missing' || reason !== undefined, {
    path: ['reason'],
    message: 'expected why the pair is missing',
  });

/**
 * Reads `verdicts.jsonl`; a missing file has none. A line that is not a verdict, or is about a pair that another line
 * of the same judge is about, is a data error that names file and line.
 */
export async function readVerdicts(file: string): Promise<Verdict[]> {
  if (!exists(file)) return [];
  const verdicts: Verdict[] = [];
  const lines = new Map<string, number>();
  for await (const { line, value } of linesOf(file)) {
    const verdict = checkSchema(value, verdictSchema, file, line) as Verdict;
    const { judge, set, id, baseline, arm, run, baselineRun } = verdict;
    const key = JSON.stringify([judge, set, id, baseline, arm, run, baselineRun]);
    const first = lines.get(key);
    if (first !== undefined)
      throw dataError(`${file}, line ${line}: ${judge} judged this pair in line ${first} already`, {
        file,
        line,
        id,
        first,
      });
    lines.set(key, line);
    verdicts.push(verdict);
  }
  return verdicts;
}

/** Lines of a file that can be made again: a broken one says how. */
async function* linesOf(file: string): ReturnType<typeof readJsonLines> {
  try {
    yield* readJsonLines(file);
  } catch (error) {
    if (!(error instanceof PhasetuneError) || error.code !== 'data') throw error;
    const remedies = [{ advice: 'remove it and judge again: the replies are kept, and none is asked for twice' }];
    throw new PhasetuneError('data', error.message, { ...error.fields, remedies }, { cause: error });
  }
}

/**
 * Puts a judge's verdicts into `verdicts.jsonl` in the place of those that it has there; lines of other judges stay.
 * Judges stand in the order of their names. Atomic: the file is whole at any time.
 */
export async function replaceVerdicts(file: string, judge: string, verdicts: readonly Verdict[]): Promise<void> {
  const others = (await readVerdicts(file)).filter((one) => one.judge !== judge);
  const all = [...others, ...verdicts].map((verdict, place) => ({ verdict, place }));
  all.sort((x, y) =>
    x.verdict.judge === y.verdict.judge ? x.place - y.place : x.verdict.judge < y.verdict.judge ? -1 : 1,
  );
  await writeJsonLines(
    file,
    all.map(({ verdict }) => verdict),
  );
}
