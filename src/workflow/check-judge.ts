import { parseOptions } from '../config/given-options.js';
import { PhasetuneError, usageError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { startTask, type Task } from '../core/task.js';
import { type LedgerLine, ledgerPathFor } from '../endpoint/ledger.js';
import { type EvalFile, evalPaths, readEvalFile, writeEvalFile } from '../eval/eval-file.js';
import { type EntranceResult, runEntrance } from '../eval/judge/entrance.js';
import type { JudgeKind, PairJudge } from '../eval/judge/pair-judge.js';
import { readSets } from '../eval/sets/read-set.js';
import { writeJson } from '../io/atomic.js';
import { exists } from '../io/files.js';
import { refuseInputs } from '../io/same-file.js';
import { openLedgerFor } from './asking-ledger.js';
import { type CheckJudgeOptions, checkJudgeOptionsSchema } from './check-judge-options.js';
import { entranceRowsOf } from './entrance-rows.js';
import { testLlm } from './eval-judge-llm.js';
import type { JudgeAnswersEvent } from './eval-judge-types.js';
import { type JudgeWork, judgeKindOf, judgeModelOf } from './eval-judge-work.js';
import type { AskHooks } from './hooks.js';
import { openLocalJudge } from './local-judge.js';

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
 * const checking = checkJudge({ sources: ['rows.jsonl'], judge: 'length' });
 * const { entrance } = await checking.result;
 * console.log(entrance.state, entrance.reasons);
 */
export const checkJudge = (
  options: CheckJudgeOptions,
  hooks: AskHooks = {},
): Task<JudgeAnswersEvent, CheckJudgeResult> => startTask(() => check(options, hooks));

async function* check(given: CheckJudgeOptions, hooks: AskHooks): AsyncGenerator<JudgeAnswersEvent, CheckJudgeResult> {
  const { sources, out, badRows, seed, ...options } = parseOptions(checkJudgeOptionsSchema, given);
  const evaluation = await evaluationOf(sources);
  if (out !== undefined) await refuseInputs({ out, beside: [ledgerPathFor(out)] }, sources);
  const kind = judgeKindOf({ options, hooks });
  const path = ledgerOf(kind, evaluation?.folder, out);
  const rows = evaluation
    ? await entranceRowsOf(evaluation.file, hooks.logger)
    : (await readSets(sources, { badRows }, hooks.logger)).flatMap((set) => set.rows);
  const { begunIn, baseline, arms } = evaluation?.file ?? { begunIn: '', baseline: '', arms: {} };
  const work: JudgeWork = {
    options: { ...options, ...ALONE, folder: evaluation?.folder ?? sources.join(', ') },
    hooks,
    file: { seed: seed ?? evaluation?.file.seed ?? 0, begunIn, baseline, arms },
    pairs: [],
    rows,
  };
  const { judge, entrance } = kind === 'llm' ? yield* testLlm(work, path!) : yield* testLocally(work, kind, path);
  const result = { judge: judge.name, kind: judge.kind, about: judge.about, entrance };
  return { ...result, written: await write(result, out, evaluation?.folder) };
}

/** What does not matter where nothing but the test is asked. */
const ALONE = {
  controls: [] as ('likelihood' | 'length')[],
  pairs: 'baseline',
  orders: 'both',
  repeats: 1,
  reparse: false,
  entrance: true,
} as const;

async function* testLocally(
  work: JudgeWork,
  kind: Exclude<JudgeKind, 'llm'>,
  path: string | undefined,
): AsyncGenerator<JudgeAnswersEvent, { readonly judge: PairJudge; readonly entrance: EntranceResult }> {
  const { options, hooks, rows, file } = work;
  const opened =
    path === undefined
      ? undefined
      : await openLedgerFor<LedgerLine>(path, { owner: 'testing a judge', logger: hooks.logger });
  try {
    const judge = await openLocalJudge(kind, { ...options, model: judgeModelOf(work, kind) }, opened?.ledger, hooks);
    try {
      const testing = runEntrance(judge, rows, { rows: options.entranceRows, seed: file.seed }, hooks.signal);
      let started = false;
      for (;;) {
        const step = await testing.next();
        if (step.done) {
          if (step.value) return { judge, entrance: step.value };
          throw new PhasetuneError('interrupted', 'stopped before the test of the judge had ended', {
            remedies: [{ advice: 'run it again with the same options to continue from there' }],
          });
        }
        if (!started) yield { type: 'start', judge: judge.name, kind, total: step.value.total };
        started = true;
        if (kind !== 'length') yield { type: 'settled', judge: judge.name, ...step.value };
      }
    } finally {
      await judge.close();
    }
  } finally {
    await opened?.close();
  }
}

/** The only source, if it is an evaluation. */
async function evaluationOf(sources: readonly string[]) {
  const [folder] = sources;
  if (sources.length !== 1 || !exists(evalPaths(folder!).evalFile)) return undefined;
  const file = await readEvalFile(folder!);
  return { folder: folder!, file };
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
