import { PhasetuneError, usageError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { startTask, type Task } from '../core/task.js';
import { type Ledger, type LedgerLine, ledgerPathFor, openLedger } from '../endpoint/ledger.js';
import { type EvalFile, evalPaths, readEvalFile, writeEvalFile } from '../eval/eval-file.js';
import { type EntranceProgress, type EntranceResult, runEntrance } from '../eval/judge/entrance.js';
import type { JudgeKind, PairJudge } from '../eval/judge/pair-judge.js';
import type { EvalRow } from '../eval/sets/eval-row.js';
import { readSets } from '../eval/sets/read-set.js';
import { writeJson } from '../io/atomic.js';
import { exists } from '../io/files.js';
import { refuseInputs } from '../io/same-file.js';
import { type CheckJudgeOptions, checkJudgeOptionsSchema } from './check-judge-options.js';
import { entranceRowsOf } from './entrance-rows.js';
import { baseModelOf } from './eval-judge-work.js';
import type { Hooks } from './hooks.js';
import { openLocalJudge } from './local-judge.js';
import { parseOptions } from './options.js';

/** A tested judge. */
export interface CheckJudgeResult {
  /** What its verdicts are filed under. */
  readonly judge: string;
  readonly kind: JudgeKind;
  /** Everything that decides its verdicts. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly entrance: EntranceResult;
  /** File that was written: `out`, or the evaluation's eval.json if the judge is in it. */
  readonly written?: string | undefined;
}

/**
 * Tests a judge on pairs whose better answer is known, made of the rows' own answers, before anything is judged by it.
 * Replies are kept in a ledger, so that a test that was stopped continues. Of an evaluation the result is written into
 * eval.json, if the judge is in there. Throws usage and data errors, and `interrupted` on a signal.
 *
 * @example
 * const checking = checkJudge({ sources: ['holdout.jsonl'], judge: 'length' });
 * const { entrance } = await checking.result;
 * console.log(entrance.state, entrance.reasons);
 */
export const checkJudge = (options: CheckJudgeOptions, hooks: Hooks = {}): Task<EntranceProgress, CheckJudgeResult> =>
  startTask(() => check(options, hooks));

async function* check(given: CheckJudgeOptions, hooks: Hooks): AsyncGenerator<EntranceProgress, CheckJudgeResult> {
  const options = parseOptions(checkJudgeOptionsSchema, given);
  const { judge: kind, sources, out, badRows, entranceRows, seed } = options;
  const evaluation = await evaluationOf(sources);
  if (out !== undefined) await refuseInputs({ out, beside: [ledgerPathFor(out)] }, sources);
  const rows = evaluation
    ? await entranceRowsOf(evaluation.file, hooks.logger)
    : (await readSets(sources, { badRows }, hooks.logger)).flatMap((set) => set.rows);
  const model = options.model ?? evaluation?.model;
  return yield* withLedger(ledgerOf(kind, evaluation?.folder, out), async function* (ledger) {
    const judge = await openLocalJudge(kind, { ...options, model }, ledger, hooks);
    try {
      const entrance = yield* testJudge(judge, rows, { rows: entranceRows, seed }, hooks.signal);
      const result = { judge: judge.name, kind: judge.kind, about: judge.about, entrance };
      return { ...result, written: await write(result, out, evaluation?.folder) };
    } finally {
      await judge.close();
    }
  });
}

/** {@link runEntrance}, which throws an error of code `interrupted` if it was stopped. */
async function* testJudge(
  judge: PairJudge,
  rows: readonly EvalRow[],
  options: Parameters<typeof runEntrance>[2],
  signal: AbortSignal | undefined,
): AsyncGenerator<EntranceProgress, EntranceResult> {
  const entrance = yield* runEntrance(judge, rows, options, signal);
  if (entrance) return entrance;
  throw new PhasetuneError('interrupted', 'stopped before the test of the judge had ended', {
    remedies: [{ advice: 'run it again with the same options to continue from there' }],
  });
}

/** The only source, if it is an evaluation, with the model of its baseline. */
async function evaluationOf(sources: readonly string[]) {
  const [folder] = sources;
  if (sources.length !== 1 || !exists(evalPaths(folder!).evalFile)) return undefined;
  const file = await readEvalFile(folder!);
  return { folder: folder!, file, model: baseModelOf(file) };
}

/** Where replies are kept; nowhere for a judge that needs nothing kept. */
function ledgerOf(kind: JudgeKind, folder: string | undefined, out: string | undefined): string | undefined {
  if (kind === 'length') return undefined;
  if (folder !== undefined) return evalPaths(folder).judgeLedger;
  if (out !== undefined) return ledgerPathFor(out);
  throw usageError(`\`judge: ${kind}\` needs a file for its result, beside which its replies are kept`, {
    option: 'out',
    remedies: [{ option: 'out', change: 'set', note: 'to a name that ends with .json' }],
  });
}

async function* withLedger<E, T>(
  path: string | undefined,
  use: (ledger: Ledger<LedgerLine> | undefined) => AsyncGenerator<E, T>,
): AsyncGenerator<E, T> {
  if (path === undefined) return yield* use(undefined);
  const ledger = await openLedger<LedgerLine>(path, 'testing a judge');
  try {
    return yield* use(ledger);
  } finally {
    await ledger.close();
  }
}

/** Writes the result; into an evaluation only beside a judge that is the same. */
async function write(
  result: CheckJudgeResult,
  out: string | undefined,
  folder: string | undefined,
): Promise<string | undefined> {
  if (out !== undefined) await writeJson(out, { schema: 'phasetune/judge-test', version: 1, ...result });
  if (folder === undefined) return out;
  const file: EvalFile = await readEvalFile(folder);
  const known = file.judges[result.judge];
  const same =
    known && Object.entries(result.about).every(([key, value]) => hashOf(known.about[key]) === hashOf(value));
  if (!same) return out;
  const judges = { ...file.judges, [result.judge]: { ...known, entrance: { ...result.entrance } } };
  await writeEvalFile(folder, { ...file, judges });
  return out ?? evalPaths(folder).evalFile;
}
