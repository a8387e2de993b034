import { setImmediate } from 'node:timers/promises';
import type { Device } from '../../backend/backend.js';
import type { DeviceChoice } from '../../backend/options.js';
import { PhasetuneError, usageError } from '../../core/errors.js';
import { chunk } from '../../core/lists.js';
import { memoryFor, namingMemory } from '../../core/out-of-memory.js';
import type { EncodedRow } from '../../data/encoded.js';
import type { InstructionRecord } from '../../data/record.js';
import type { Ledger } from '../../endpoint/ledger.js';
import type { ModelFolder } from '../../model/load.js';
import type { CompileOptions } from '../../program/compile-options.js';
import type { ProgramOptions } from '../../program/options.js';
import type { LossPair } from '../../scoring/ifd.js';
import type { LossOptions } from '../../scoring/loss-options.js';
import type { LossLine, LossPlan, LossProgress } from '../../scoring/measure-losses.js';
import type { Unscored } from '../../scoring/scored.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { CommandContext } from '../command.js';
import type { ScoredRows } from './scored-rows.js';

/** Options of `phasetune score --scorer loss`. */
export type LossScoring = LossOptions &
  ProgramOptions & {
    readonly model?: string | undefined;
    readonly adapter?: string | undefined;
    readonly device: DeviceChoice;
  };

/**
 * Scores rows by the loss that a model has on their answers; what was measured is in the ledger file, and is not measured again.
 * Throws a usage error where no model is named, data errors of its files, and `interrupted` on a signal, all being saved.
 */
export async function scoreByLoss(
  records: readonly InstructionRecord[],
  ledgerFile: string,
  options: LossScoring,
  context: CommandContext,
): Promise<ScoredRows> {
  const { openModel } = await import('../../model/load.js');
  const { checkTokens, vocabularyWarnings } = await import('../../model/texts.js');
  const { endIdWarnings } = await import('../../tokenizer/end-ids.js');
  const { ownTokenizerWarnings } = await import('../../lora/adapter-folder.js');
  const { loadTokenizer } = await import('../../tokenizer/tokenizer.js');
  const { openLedger } = await import('../../endpoint/ledger.js');
  if (options.model === undefined)
    throw usageError(
      '--scorer loss needs a model folder: give --model DIR (`phasetune model pull` and `model import` make one)',
      { option: 'model' },
    );
  const folder = options.model;
  const model = await namingMemory(memoryFor('opening the model'), () => openModel(folder));
  try {
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () => loadTokenizer(folder));
    const pairs = await namingMemory(memoryFor('encoding the rows', 'lower --max-length'), () =>
      encode(records, tokenizer, options, context),
    );
    const texts = pairs.flatMap((pair) => ('given' in pair ? [pair.given] : []));
    await checkTokens(
      model,
      texts.map(({ id, ids }) => ({ name: `row ${id}`, ids })),
      tokenizer.decode,
    );
    for (const warning of [
      ...model.warnings,
      ...vocabularyWarnings(model, tokenizer.vocabSize),
      ...(await endIdWarnings(tokenizer)),
      ...(options.adapter === undefined ? [] : await ownTokenizerWarnings(options.adapter, options.model)),
    ])
      context.logger.warn(warning);
    const ledger = await openLedger<LossLine>(ledgerFile, 'phasetune score');
    try {
      if (ledger.dropped > 0) context.logger.warn(`${ledgerFile}: its last line was half written and is dropped`);
      return await measure({ model, pairs, ledger, options, context });
    } finally {
      await ledger.close();
    }
  } finally {
    await model.close();
  }
}

/** Rows that are encoded together, between two looks at the signal. */
const BATCH = 64;

async function encode(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  options: LossScoring,
  { progress, signal }: CommandContext,
): Promise<(LossPair | Unscored)[]> {
  const { encodePairs } = await import('../../scoring/ifd.js');
  const bar = progress({ label: 'encode', total: records.length, unit: 'rows' });
  const pairs: (LossPair | Unscored)[] = [];
  try {
    for (const batch of chunk(records, BATCH)) {
      pairs.push(...(await encodePairs(batch, tokenizer, options)));
      bar.update(pairs.length);
      await setImmediate();
      if (signal.aborted) throw new PhasetuneError('interrupted', 'stopped before anything was measured');
    }
    return pairs;
  } finally {
    bar.finish();
  }
}

/** Everything that measuring takes. */
interface Measuring {
  readonly model: ModelFolder;
  readonly pairs: readonly (LossPair | Unscored)[];
  readonly ledger: Ledger<LossLine>;
  readonly options: LossScoring;
  readonly context: CommandContext;
}

async function measure({ model, pairs, ledger, options, context }: Measuring): Promise<ScoredRows> {
  const { loadBackend } = await import('../../backend/load.js');
  const { compileOptions } = await import('../../program/options.js');
  const { hashOf } = await import('../../core/hash.js');
  const { fingerprintAdapter, fingerprintModel } = await import('../../train/fingerprint.js');
  const { lossScoreOf } = await import('../../scoring/ifd.js');
  const { meanLoss, planLosses } = await import('../../scoring/measure-losses.js');
  const { lossScore, template, maxLength, batchRows, adapter, device } = options;
  const backend = await loadBackend({ device, logger: context.logger, verbose: context.verbose });
  const compile = compileOptions(options, backend);
  const { precision, loadIn8bit } = compile;
  const made = {
    model: hashOf(await fingerprintModel(model.path)),
    ...(adapter !== undefined && { adapter: hashOf(await fingerprintAdapter(adapter)) }),
  };
  const texts = pairs.flatMap((pair) => ('given' in pair ? textsOf(pair) : []));
  const plan = planLosses(texts, hashOf({ ...made, precision, loadIn8bit }), ledger.has, batchRows);
  tellPlan(plan, pairs, model, context);
  const last = await measurePlan(plan, { model, adapter, compile, device: backend.device }, ledger, context);
  const lossOf = (text: EncodedRow | undefined) => (text ? meanLoss(ledger, plan.keyOf(text)) : undefined);
  const outcomes = pairs.map((pair) =>
    'given' in pair ? lossScoreOf(pair, { given: lossOf(pair.given)!, alone: lossOf(pair.alone) }) : pair,
  );
  const unhelped = outcomes.filter((outcome) => 'score' in outcome && outcome.score >= 1).length;
  if (lossScore === 'ifd' && unhelped > 0)
    context.logger.info(
      `${unhelped} rows have an IFD of 1 or more: there the instruction does not help this model (the authors of IFD leave such rows out)`,
    );
  return {
    outcomes,
    options: {
      lossScore,
      template,
      maxLength,
      precision,
      loadIn8bit,
      model: options.model,
      ...(adapter !== undefined && { adapter }),
      sha256: made,
    },
    told: {
      device: backend.device,
      precision,
      texts: plan.texts,
      measured: plan.texts - plan.known,
      tokens: plan.tokens,
      ...(last && { seconds: last.seconds, tokensPerSecond: last.tokensPerSecond }),
    },
  };
}

const textsOf = ({ given, alone }: LossPair): EncodedRow[] => (alone ? [given, alone] : [given]);

function tellPlan(
  { texts, known, tokens, batches }: LossPlan,
  pairs: Measuring['pairs'],
  { path, config }: ModelFolder,
  { logger }: CommandContext,
): void {
  if (known > 0) logger.info(`${known} of ${texts} texts were measured before; the ledger has them`);
  if (batches.length > 0)
    logger.info(`${texts - known} texts to measure, ${tokens} tokens in ${batches.length} batches`);
  const rows = pairs.filter((pair) => 'given' in pair);
  const cut = rows.filter(({ truncated }) => truncated).length;
  if (cut > 0) logger.warn(`${cut} answers were cut at --max-length; their losses are those of the rest`);
  const most = config.max_position_embeddings;
  const over = rows.filter(({ given }) => given.ids.length > most).length;
  if (over > 0)
    logger.warn(`${over} rows have more than the ${most} tokens that ${path} was made for; lower --max-length`);
}

/** What measures. */
interface LossProgram {
  readonly model: ModelFolder;
  readonly adapter: string | undefined;
  readonly compile: CompileOptions;
  readonly device: Device;
}

/** Nothing is loaded where nothing is left to measure. */
async function measurePlan(
  plan: LossPlan,
  { model, adapter, compile, device }: LossProgram,
  ledger: Ledger<LossLine>,
  { logger, progress, signal }: CommandContext,
): Promise<LossProgress | undefined> {
  const { formatNumber } = await import('../../telemetry/format.js');
  const { openLossMeter } = await import('../../eval/loss-meter.js');
  const { lossMemory } = await import('../../eval/model-memory.js');
  const { memoryWarning } = await import('../../telemetry/memory-warning.js');
  const { measureLosses } = await import('../../scoring/measure-losses.js');
  if (plan.batches.length === 0) return undefined;
  if (device !== 'cuda') {
    const shapes = [...new Map(plan.batches.map(({ shape }) => [Object.values(shape).join(), shape])).values()];
    const remedies = ['lower --batch-rows', 'lower --max-length', 'hold the weights in 8 bits with --load-in-8bit'];
    const warning = memoryWarning('measuring the losses', lossMemory(model.config, shapes, compile), remedies);
    if (warning !== undefined) logger.warn(warning);
  }
  const meter = await openLossMeter(model, adapter, plan.batches, compile, logger.warn);
  const bar = progress({ label: 'losses', total: plan.tokens, unit: 'tokens' });
  let last: LossProgress | undefined;
  try {
    for await (const event of measureLosses(plan, meter, ledger, signal)) {
      last = event;
      bar.update(event.tokens, `${formatNumber(event.tokensPerSecond)} tokens/s`);
    }
    return last;
  } finally {
    bar.finish();
    meter.dispose();
  }
}
