import { parseOptions } from '../config/given-options.js';
import { PhasetuneError } from '../core/errors.js';
import { startTask, type Task } from '../core/task.js';
import { openLedger } from '../endpoint/ledger.js';
import { renewedArms } from '../eval/answers/changes.js';
import { isModelRun } from '../eval/arms/arm-run.js';
import { type EvalFile, evalPaths, writeEvalFile } from '../eval/eval-file.js';
import { removeLeftovers } from '../io/atomic.js';
import { exists } from '../io/files.js';
import type { Models, ModelWork } from './eval-answer-model.js';
import { type AnswerSetsOptions, answerSetsOptionsSchema } from './eval-answer-options.js';
import type { EvalLine, Spent } from './eval-answer-run.js';
import type { AnsweringCounts, AnswerSetsEvent, AnswerSetsPlan, AnswerSetsResult } from './eval-answer-types.js';
import { checkChanges, type EvalWork, evalFileOf, readWork } from './eval-answer-work.js';
import { removeStale, writeArms } from './eval-answer-write.js';
import type { Hooks } from './hooks.js';

/**
 * Lets every arm answer the same instructions, and writes `eval.json` and the answers of each arm and set to the folder
 * `out`. Every answer is kept in a ledger there: the same options again continue, and nothing is generated twice. Arms,
 * runs of an arm, sets and rows may be added later; an arm whose files changed answers again, and no other.
 *
 * Fails with code `usage` or `data` for options and files that are not as they must be, before anything is generated;
 * `interrupted` where the signal was aborted; what was answered is kept.
 *
 * @example
 * const arms = ['base=models/tiny-llama', 'phased=checkpoints/first'];
 * const answering = answerSets({ arms, sets: ['staged'], out: 'evals/first', maxTokens: 16 });
 * for await (const event of answering.events)
 *   if (event.type === 'answers') console.log(event.arm, event.done, 'of', event.total);
 * const { arms: answered } = await answering.result;
 */
export const answerSets = (options: AnswerSetsOptions, hooks: Hooks = {}): Task<AnswerSetsEvent, AnswerSetsResult> =>
  startTask(() => answerAll(options, hooks));

/**
 * What {@link answerSets} would do with the same options, without loading weights and without writing anything.
 *
 * @example
 * const arms = ['base=models/tiny-llama', 'phased=checkpoints/first'];
 * const { answers, losses } = await planAnswers({ arms, sets: ['staged'], out: 'evals/second' });
 * console.log(answers.missing, 'answers and', losses.missing, 'losses are missing');
 */
export async function planAnswers(given: AnswerSetsOptions, hooks: Hooks = {}): Promise<AnswerSetsPlan> {
  const opened = await openWork(given, hooks);
  try {
    const { answerLedger } = evalPaths(opened.work.options.out);
    if (!exists(answerLedger)) return (await planOf(opened, () => false)).plan;
    const ledger = await openLedger<EvalLine>(answerLedger, 'eval answer');
    try {
      return (await planOf(opened, ledger.has)).plan;
    } finally {
      await ledger.close();
    }
  } finally {
    await opened.models?.close();
  }
}

/** What was read and opened. */
interface OpenedWork {
  readonly work: EvalWork;
  readonly models: Models | undefined;
  readonly file: EvalFile;
  readonly changes: readonly string[];
}

async function openWork(given: AnswerSetsOptions, hooks: Hooks): Promise<OpenedWork> {
  const options = parseOptions(answerSetsOptionsSchema, given);
  const work = await readWork(options, hooks);
  const models = work.arms.some(({ runs }) => runs.some(isModelRun))
    ? await (await import('./eval-answer-model.js')).openModels(work, hooks)
    : undefined;
  try {
    const file = evalFileOf(work, models?.about ?? {});
    return { work, models, file, changes: await checkChanges(work, file) };
  } catch (error) {
    await models?.close();
    throw error;
  }
}

async function planOf({ work, models, file, changes }: OpenedWork, has: (key: string) => boolean) {
  const todo: ModelWork = models ? await models.plan(has) : { answers: [], losses: [], keys: [] };
  const { options, baseline, arms, sets, before } = work;
  const texts = todo.losses.map(({ plan }) => plan);
  const plan: AnswerSetsPlan = {
    out: options.out,
    baseline,
    arms: Object.fromEntries(arms.map(({ name, runs }) => [name, { runs }])),
    sets: sets.map(({ name, path, rows, chosen }) => ({
      name,
      path,
      rows: rows.length,
      chosen: chosen.length,
      references: chosen.filter(({ reference }) => reference !== undefined).length,
    })),
    answers: countsOf(
      todo.answers.flatMap(({ keys }) => keys),
      has,
    ),
    losses: {
      total: texts.reduce((n, each) => n + each.texts, 0),
      known: texts.reduce((n, each) => n + each.known, 0),
      missing: texts.reduce((n, each) => n + each.texts - each.known, 0),
      tokens: texts.reduce((n, each) => n + each.tokens, 0),
    },
    continued: before !== undefined,
    renewed: before ? renewedArms(before, file) : [],
    changes,
    device: models?.device,
  };
  return { plan, todo };
}

function countsOf(keys: readonly string[], has: (key: string) => boolean): AnsweringCounts {
  const unique = [...new Set(keys)];
  const known = unique.filter(has).length;
  return { total: unique.length, known, missing: unique.length - known };
}

async function* answerAll(given: AnswerSetsOptions, hooks: Hooks): AsyncGenerator<AnswerSetsEvent, AnswerSetsResult> {
  const opened = await openWork(given, hooks);
  const { work, models, file } = opened;
  const { out } = work.options;
  try {
    if (hooks.signal?.aborted) throw new PhasetuneError('interrupted', 'stopped before anything was answered');
    const path = evalPaths(out).answerLedger;
    const ledger = await openLedger<EvalLine>(path, 'eval answer');
    try {
      if (ledger.dropped > 0) hooks.logger?.warn(`${path}: its last line was half written and is dropped`);
      if (ledger.passedOver > 0)
        hooks.logger?.warn(`${path}: ${ledger.passedOver} lines in it cannot be read and are skipped`);
      await removeLeftovers(out);
      const { plan, todo } = await planOf(opened, ledger.has);
      yield { type: 'plan', plan };
      await removeStale(work, todo.keys);
      await writeEvalFile(out, file);
      const spent = yield* spend(todo, models, ledger, hooks);
      const arms = yield* writeArms(work, todo.keys, ledger);
      const { generated, tokens, seconds, measured } = spent;
      return {
        out,
        baseline: plan.baseline,
        arms,
        sets: plan.sets,
        generated,
        tokens,
        seconds,
        tokensPerSecond: tokens > 0 ? tokens / seconds : undefined,
        measured,
        device: models?.device,
      };
    } finally {
      await ledger.close();
    }
  } finally {
    await models?.close();
  }
}

async function* spend(
  todo: ModelWork,
  models: Models | undefined,
  ledger: Awaited<ReturnType<typeof openLedger<EvalLine>>>,
  { signal }: Hooks,
): AsyncGenerator<AnswerSetsEvent, Spent> {
  if (!models) return { generated: 0, tokens: 0, seconds: 0, measured: 0 };
  const { runModels } = await import('./eval-answer-run.js');
  return yield* runModels(todo, ledger, signal);
}
