import { setImmediate } from 'node:timers/promises';
import type { Device } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import { PhasetuneError, usageError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { chunk } from '../core/lists.js';
import { fewerBits, memoryFor, namingMemory } from '../core/out-of-memory.js';
import type { Remedy } from '../core/remedies.js';
import type { EncodedRow } from '../data/encoded.js';
import type { InstructionRecord } from '../data/record.js';
import type { Ledger } from '../endpoint/ledger.js';
import { openLossMeter } from '../eval/model/loss-meter.js';
import { lossMemory } from '../eval/model/model-memory.js';
import { ownTokenizerWarnings } from '../lora/adapter-folder.js';
import { fingerprintAdapter, fingerprintModel } from '../model/fingerprint.js';
import { type ModelFolder, openModelFolder } from '../model/load.js';
import { checkTokens, vocabularyWarnings } from '../model/texts.js';
import type { CompileOptions } from '../program/compile-options.js';
import { compileOptions } from '../program/options.js';
import { encodePairs, type LossPair, lossScoreOf } from '../scoring/ifd.js';
import {
  type LossLine,
  type LossPlan,
  type LossProgress,
  meanLoss,
  measureLosses,
  planLosses,
} from '../scoring/measure-losses.js';
import type { RowScore, Unscored } from '../scoring/scored.js';
import { silentLogger } from '../telemetry/logger.js';
import { memoryWarning } from '../telemetry/memory-warning.js';
import { endIdWarnings } from '../tokenizer/end-ids.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.js';
import type { Hooks } from './hooks.js';
import { openScoreLedger } from './score-files.js';
import type { ResolvedScoreOptions } from './score-options.js';
import type { MeasuredFile, MeasuringPlan, ScoreEvent } from './score-types.js';

/** Rows measured by a model. */
export interface MeasuredRows
  extends Pick<MeasuredFile, 'ledger' | 'device' | 'precision' | 'texts' | 'measured' | 'tokens' | 'speed'> {
  /** In the rows' order. */
  readonly outcomes: readonly (RowScore | Unscored)[];
  /** All that the scores depend on, for the manifest. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Rows that are encoded, and what is to be measured. */
interface LossWork {
  readonly options: ResolvedScoreOptions;
  readonly hooks: Hooks;
  readonly model: ModelFolder;
  readonly pairs: readonly (LossPair | Unscored)[];
  readonly ledger: Ledger<LossLine>;
  readonly plan: LossPlan;
  readonly compile: CompileOptions;
  readonly device: Device;
  /** Hashes of the model and the adapter. */
  readonly sha256: Readonly<Record<string, string>>;
}

/**
 * Scores rows by the loss that a model has on their answers; what the ledger knows is not measured
 * again. Throws a usage error where no model is named, data errors of its files, and `interrupted`
 * on a signal, everything measured being saved.
 */
export const scoreByLoss = (
  records: readonly InstructionRecord[],
  options: ResolvedScoreOptions,
  hooks: Hooks,
): AsyncGenerator<ScoreEvent, MeasuredRows> => withLossWork(records, options, hooks, measureRows);

/** What {@link scoreByLoss} would measure; writes nothing. */
export const planMeasuring = (
  records: readonly InstructionRecord[],
  options: ResolvedScoreOptions,
  hooks: Hooks,
): AsyncGenerator<ScoreEvent, MeasuringPlan> =>
  withLossWork(records, options, hooks, async function* (work) {
    const plan = planOf(work);
    yield { type: 'plan', plan };
    return plan;
  });

/** Opens and encodes, has `use` work with it, and closes. */
async function* withLossWork<T>(
  records: readonly InstructionRecord[],
  options: ResolvedScoreOptions,
  hooks: Hooks,
  use: (work: LossWork) => AsyncGenerator<ScoreEvent, T>,
): AsyncGenerator<ScoreEvent, T> {
  const { model: folder } = options;
  if (folder === undefined)
    throw usageError('`scorer: loss` needs a model folder', {
      option: 'model',
      remedies: [
        { option: 'model', change: 'set', note: 'to one' },
        { task: 'model pull', note: 'to fetch one' },
        { task: 'model import', note: 'to make one' },
      ],
    });
  const model = await namingMemory(memoryFor('opening the model'), () => openModelFolder(folder));
  try {
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () => loadTokenizer(folder));
    const pairs = yield* encode(records, tokenizer, options, hooks);
    const texts = pairs.flatMap((pair) => ('given' in pair ? [pair.given] : []));
    const named = texts.map(({ id, ids }) => ({ name: `row ${id}`, ids }));
    await checkTokens(model, named, tokenizer.decode);
    const warnings = [
      ...model.warnings,
      ...vocabularyWarnings(model, tokenizer.vocabSize),
      ...(await endIdWarnings(tokenizer)),
      ...(options.adapter === undefined ? [] : await ownTokenizerWarnings(options.adapter, folder)),
    ];
    for (const warning of warnings) hooks.logger?.warn(warning);
    const { ledger, close } = await openScoreLedger<LossLine>(options.out, hooks.logger);
    try {
      return yield* use(await planWork({ options, hooks, model, pairs, ledger }));
    } finally {
      await close();
    }
  } finally {
    await model.close();
  }
}

/** Rows that are encoded together, between two looks at the signal. */
const BATCH = 64;

async function* encode(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  options: ResolvedScoreOptions,
  { signal }: Hooks,
): AsyncGenerator<ScoreEvent, (LossPair | Unscored)[]> {
  const pairs: (LossPair | Unscored)[] = [];
  const need = memoryFor('encoding the rows', { option: 'maxLength', change: 'lower' });
  for (const batch of chunk(records, BATCH)) {
    pairs.push(...(await namingMemory(need, () => encodePairs(batch, tokenizer, options))));
    yield { type: 'encode', done: pairs.length, total: records.length };
    await setImmediate();
    if (signal?.aborted) throw new PhasetuneError('interrupted', 'stopped before anything was measured');
  }
  return pairs;
}

async function planWork(work: Pick<LossWork, 'options' | 'hooks' | 'model' | 'pairs' | 'ledger'>): Promise<LossWork> {
  const { options, hooks, model, pairs, ledger } = work;
  const { adapter, batchRows, device } = options;
  const { logger = silentLogger, verbose = false } = hooks;
  const backend = await loadBackend({ device, logger, verbose });
  const compile = compileOptions(options, backend);
  const sha256 = {
    model: hashOf(await fingerprintModel(model.path)),
    ...(adapter !== undefined && { adapter: hashOf(await fingerprintAdapter(adapter)) }),
  };
  const texts = pairs.flatMap((pair) => ('given' in pair ? textsOf(pair) : []));
  const plan = planLosses(texts, hashOf({ ...sha256, ...measuredWith(compile) }), ledger.has, batchRows);
  return { ...work, plan, compile, device: backend.device, sha256 };
}

/** What of how a program runs decides what it measures; what was measured before there were 4 bits stays good. */
const measuredWith = ({ precision, loadIn16bit, loadIn8bit, loadIn4bit }: LossWork['compile']) => ({
  precision,
  loadIn8bit,
  ...(loadIn16bit && { loadIn16bit }),
  ...(loadIn4bit && { loadIn4bit }),
});

const textsOf = ({ given, alone }: LossPair): EncodedRow[] => (alone ? [given, alone] : [given]);

/** The plan for display; logs what in it needs attention. */
function planOf({ plan, pairs, model, compile, device, hooks }: LossWork): MeasuringPlan {
  const { logger = silentLogger } = hooks;
  const { path, config } = model;
  const rows = pairs.filter((pair) => 'given' in pair);
  const cut = rows.filter(({ truncated }) => truncated).length;
  if (cut > 0) logger.warn(`${cut} answers were cut at \`maxLength\`; their losses are those of the rest`);
  const most = config.max_position_embeddings;
  const over = rows.filter(({ given }) => given.ids.length > most).length;
  if (over > 0)
    logger.warn(`${over} rows have more than the ${most} tokens that ${path} was made for; lower \`maxLength\``);
  const { batches, keyOf: _, ...counts } = plan;
  const shapes = [...new Map(batches.map(({ shape }) => [Object.values(shape).join(), shape])).values()];
  const memory = batches.length === 0 ? 0 : lossMemory(config, shapes, compile);
  const remedies = [
    { option: 'batchRows', change: 'lower' },
    { option: 'maxLength', change: 'lower' },
    ...fewerBits(compile),
  ] satisfies Remedy[];
  const warning = device === 'cuda' ? undefined : memoryWarning('measuring the losses', memory, remedies);
  if (warning !== undefined) logger.warn(warning);
  return { scorer: 'loss', rows: pairs.length, ...counts, batches: batches.length, memory };
}

async function* measureRows(work: LossWork): AsyncGenerator<ScoreEvent, MeasuredRows> {
  const { options, hooks, pairs, ledger, plan, compile, device, sha256 } = work;
  const { lossScore, template, maxLength, adapter, model } = options;
  yield { type: 'plan', plan: planOf(work) };
  const last = yield* measurePlan(work);
  const lossOf = (text: EncodedRow | undefined) => (text ? meanLoss(ledger, plan.keyOf(text)) : undefined);
  const outcomes = pairs.map((pair) =>
    'given' in pair ? lossScoreOf(pair, { given: lossOf(pair.given)!, alone: lossOf(pair.alone) }) : pair,
  );
  const unhelped = outcomes.filter((outcome) => 'score' in outcome && outcome.score >= 1).length;
  if (lossScore === 'ifd' && unhelped > 0)
    hooks.logger?.info(
      `${unhelped} rows have an IFD of 1 or more: there the instruction does not help this model (the authors of IFD leave such rows out)`,
    );
  return {
    outcomes,
    options: {
      lossScore,
      template,
      maxLength,
      ...measuredWith(compile),
      model,
      ...(adapter !== undefined && { adapter }),
      sha256,
    },
    ledger: ledger.path,
    device,
    precision: compile.precision,
    texts: plan.texts,
    measured: plan.texts - plan.known,
    tokens: plan.tokens,
    speed: last && { seconds: last.seconds, tokensPerSecond: last.tokensPerSecond },
  };
}

/** Nothing is loaded where nothing is left to measure. */
async function* measurePlan({
  plan,
  model,
  options,
  compile,
  ledger,
  hooks,
}: LossWork): AsyncGenerator<ScoreEvent, LossProgress | undefined> {
  if (plan.batches.length === 0) return undefined;
  const meter = await openLossMeter(model, options.adapter, plan.batches, compile, hooks.logger?.warn);
  try {
    yield { type: 'start', scorer: 'loss', total: plan.tokens };
    const measuring = measureLosses(plan, meter, ledger, hooks.signal);
    for await (const progress of measuring.events) yield { type: 'measure', ...progress };
    return await measuring.result;
  } finally {
    meter.dispose();
  }
}
