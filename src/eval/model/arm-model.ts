import {
  fewerBits,
  isOutOfMemory,
  memoryFor,
  namedForMemory,
  namingMemory,
  SMALLER_MODEL,
} from '../../core/out-of-memory.js';
import { encodeBatch } from '../../data/encode.js';
import type { EncodedRow } from '../../data/encoded.js';
import type { MicroBatch } from '../../data/micro-batch.js';
import { type EncodeOptions, encodeOptionsSchema } from '../../data/options.js';
import type { Message } from '../../data/record.js';
import { generateSpec } from '../../generate/cache.js';
import { generate } from '../../generate/generate.js';
import { choiceOf } from '../../generate/options.js';
import { type DecodePlan, takesLongPrompts } from '../../generate/plan.js';
import type { Adapter } from '../../lora/adapter.js';
import { ownTokenizerWarnings } from '../../lora/adapter-folder.js';
import { readAdapter } from '../../lora/peft-files.js';
import { linear } from '../../model/linear.js';
import { type ModelFolder, openModelFolder } from '../../model/load.js';
import { linearShapes } from '../../model/parameters.js';
import { checkTokens, lengthWarnings, vocabularyWarnings } from '../../model/texts.js';
import type { CompileOptions } from '../../program/compile-options.js';
import { type Logger, silentLogger } from '../../telemetry/logger.js';
import { memoryWarning } from '../../telemetry/memory-warning.js';
import { endIdWarnings } from '../../tokenizer/end-ids.js';
import { loadTokenizer, type Tokenizer } from '../../tokenizer/tokenizer.js';
import { lossFeedShapes } from '../../train/loss-feeds.js';
import { lossSpec } from '../../train/step.js';
import type { EvalRow } from '../sets/eval-row.js';
import { type AdapterPrograms, adapterPrograms } from './adapter-programs.js';
import { SMALLER_CACHE } from './answering.js';
import { type ModelMeter, meterOf } from './loss-meter.js';
import { modelMemory } from './model-memory.js';
import { promptIds } from './prompt-ids.js';

/** An answer as it was generated; `index` is the place of its prompt in the plan. */
export interface GeneratedAnswer {
  readonly index: number;
  readonly ids: Int32Array;
  readonly output: string;
  readonly finish: 'stop' | 'length';
}

/**
 * A base model that answers and measures for several adapters over it, whose weights are loaded
 * when they are needed.
 */
export interface ArmModel {
  /** True where the chat template prints the time. */
  readonly usesClock: boolean;
  /** Tokens of the rows' prompts. Throws a data error that names the row. */
  prompts(rows: readonly EvalRow[], maxTokens: number): Promise<Int32Array[]>;
  /** Rows with their references, as the trainer sees them; undefined without a reference, or where it does not fit. */
  references(rows: readonly EvalRow[]): Promise<(EncodedRow | undefined)[]>;
  /** Reads an adapter's folder. Throws a data error where it is for another base. */
  adapter(folder: string): Promise<Adapter>;
  /** Answers the batches of a plan, exactly as `openAnswering` would with this adapter. */
  answer(plan: DecodePlan, adapter: Adapter | undefined, signal?: AbortSignal): AsyncGenerator<GeneratedAnswer>;
  /** What measures losses; `shapes` are all that it will be asked for. It is good until the next call. */
  meter(
    shapes: readonly Pick<MicroBatch, 'shape'>[],
    adapter: Adapter | undefined,
  ): Promise<Omit<ModelMeter, 'dispose'>>;
  /** Frees the weights, until the next call needs them. */
  unload(): void;
  close(): Promise<void>;
}

/** How {@link openArmModel} opens a model. */
export interface ArmModelOptions {
  readonly compile: CompileOptions;
  readonly template: EncodeOptions['template'];
  /** System turn of rows that have none. */
  readonly system?: string | undefined;
  /** The time that the chat template may print. */
  readonly now: Date;
  /** Warns where answering is forecast to take more memory than there is; of no use where a card computes. */
  readonly forecastMemory: boolean;
  readonly logger?: Logger | undefined;
}

/** What the functions of a model share. */
interface Opened {
  readonly options: ArmModelOptions;
  readonly logger: Logger;
  readonly model: ModelFolder;
  readonly tokenizer: Tokenizer;
  readonly programs: AdapterPrograms;
}

/**
 * Opens a model folder. A backend must be loaded before answers or losses are asked for. Throws
 * data errors of its files.
 */
export async function openArmModel(folder: string, options: ArmModelOptions): Promise<ArmModel> {
  const { compile, now } = options;
  const logger = warningOnce(options.logger ?? silentLogger);
  const model = await namingMemory(memoryFor('opening the model'), () => openModelFolder(folder));
  try {
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () => loadTokenizer(folder, { now }));
    for (const warning of [
      ...model.warnings,
      ...vocabularyWarnings(model, tokenizer.vocabSize),
      ...(await endIdWarnings(tokenizer)),
    ])
      logger.warn(warning);
    const programs = adapterPrograms(model, compile);
    const opened = { options, logger, model, tokenizer, programs };
    return {
      usesClock: tokenizer.usesClock,
      prompts: (rows, maxTokens) => promptsOf(opened, rows, maxTokens),
      references: (rows) => referencesOf(opened, rows),
      adapter: (path) => adapterIn(opened, path),
      answer: (plan, adapter, signal) => answersOf(opened, plan, adapter, signal),
      meter: (batches, adapter) => meterFor(opened, batches, adapter),
      unload: programs.dispose,
      async close() {
        programs.dispose();
        await model.close();
      },
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** A logger that gives each warning once, however many sets and adapters cause it. */
function warningOnce(logger: Logger): Logger {
  const given = new Set<string>();
  const warn = (warning: string): void => {
    if (!given.has(warning)) logger.warn(warning);
    given.add(warning);
  };
  return { ...logger, warn };
}

async function promptsOf(opened: Opened, rows: readonly EvalRow[], maxTokens: number): Promise<Int32Array[]> {
  const { model, tokenizer, logger, options } = opened;
  const conversations = rows.map(({ messages }) => withSystemTurn(messages, options));
  const prompts = await promptIds(conversations, tokenizer, options.template);
  await checkRows(opened, rows, prompts);
  const lengths = prompts.map(({ length }) => length + maxTokens);
  const what = 'instructions (with all tokens that their answers may have)';
  for (const warning of lengthWarnings(model, lengths, what)) logger.warn(warning);
  return prompts;
}

const withSystemTurn = (messages: readonly Message[], { system }: ArmModelOptions): readonly Message[] =>
  system === undefined || messages[0]?.role === 'system'
    ? messages
    : [{ role: 'system', content: system }, ...messages];

const checkRows = (
  { model, tokenizer }: Opened,
  rows: readonly EvalRow[],
  texts: readonly ArrayLike<number>[],
): Promise<void> => {
  const named = texts.map((ids, i) => ({ name: `row ${rows[i]!.id} of ${rows[i]!.set}`, ids }));
  return checkTokens(model, named, tokenizer.decode);
};

/** How references are encoded, besides the template. */
const REFERENCES = encodeOptionsSchema.omit({ template: true }).parse({ badRows: 'skip' });

async function referencesOf(opened: Opened, rows: readonly EvalRow[]): Promise<(EncodedRow | undefined)[]> {
  const { tokenizer, logger, options } = opened;
  const given = rows.filter(({ reference }) => reference !== undefined);
  const records = given.map(({ id, messages, reference }) => ({
    id,
    messages: [...withSystemTurn(messages, options), { role: 'assistant' as const, content: reference! }],
  }));
  const outcomes = await encodeBatch(records, tokenizer, { ...REFERENCES, template: options.template });
  const encoded = new Map(outcomes.map((outcome, i) => [given[i]!, 'row' in outcome ? outcome.row : undefined]));
  const kept = given.filter((row) => encoded.get(row));
  const texts = kept.map((row) => encoded.get(row)!.ids);
  await checkRows(opened, kept, texts);
  const cut = outcomes.filter(({ kind }) => kind === 'truncated').length;
  if (cut > 0)
    logger.warn(`${cut} references were cut at ${REFERENCES.maxLength} tokens; their losses are those of the rest`);
  const left = given.length - kept.length;
  if (left > 0) logger.warn(`${left} references cannot be measured, and have no loss`);
  return rows.map((row) => encoded.get(row));
}

async function adapterIn({ model, logger }: Opened, path: string): Promise<Adapter> {
  const adapter = await readAdapter(path, linearShapes(model.config));
  for (const warning of [...adapter.warnings, ...(await ownTokenizerWarnings(path, model.path))]) logger.warn(warning);
  return adapter;
}

const loading = ({ options: { compile } }: Opened) =>
  memoryFor('loading the model', ...fewerBits(compile), SMALLER_MODEL);

/** Programs for plans of equal names are the same. */
const programName = (plan: DecodePlan): string =>
  JSON.stringify([plan.shape, choiceOf(plan.options), plan.options.topK, takesLongPrompts(plan)]);

async function* answersOf(
  opened: Opened,
  plan: DecodePlan,
  adapter: Adapter | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<GeneratedAnswer> {
  const { options, tokenizer, programs } = opened;
  try {
    if (options.forecastMemory) warnOfMemory(opened, plan);
    const program = await namingMemory(loading(opened), () =>
      programs.open(programName(plan), (config, projection) => generateSpec(config, projection, plan), adapter),
    );
    for await (const { index, ids, finish } of generate(program, plan, [...tokenizer.endIds], signal))
      yield { index, ids, output: await tokenizer.decode(ids, { skipSpecialTokens: true }), finish };
  } catch (error) {
    if (isOutOfMemory(error)) programs.dispose();
    throw namedForMemory(memoryFor('answering', ...SMALLER_CACHE, ...fewerBits(options.compile)), error);
  }
}

function warnOfMemory({ model, options: { compile }, logger }: Opened, plan: DecodePlan): void {
  const bytes = modelMemory(model.config, generateSpec(model.config, linear, plan), compile);
  const remedies = [...fewerBits(compile), ...SMALLER_CACHE, SMALLER_MODEL];
  const warning = memoryWarning('the model with its cache', bytes, remedies);
  if (warning !== undefined) logger.warn(warning);
}

async function meterFor(
  opened: Opened,
  batches: readonly Pick<MicroBatch, 'shape'>[],
  adapter: Adapter | undefined,
): Promise<Omit<ModelMeter, 'dispose'>> {
  const { programs, options } = opened;
  const shapes = new Map(batches.map(({ shape }) => [JSON.stringify(shape), lossFeedShapes(shape)]));
  const evalLoss = [...shapes.values()];
  const program = await namingMemory(loading(opened), () =>
    programs.open(`losses ${[...shapes.keys()].join()}`, lossSpec, adapter, { evalLoss }),
  );
  return meterOf(program, [{ option: 'loss', change: 'set', value: false }, ...fewerBits(options.compile)]);
}
