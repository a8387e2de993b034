import { memoryFor, namingMemory, namingMemorySync } from '../core/out-of-memory.js';
import { readStaged } from '../curriculum/manifest.js';
import { plannedStageCount } from '../curriculum/stage-plan.js';
import type { StagedSet } from '../curriculum/types.js';
import type { KnownSizes } from '../data/batch-plan.js';
import { type EncodeHooks, type EncodeReport, encodeRows } from '../data/encode-rows.js';
import type { EncodedRow } from '../data/encoded.js';
import type { EncodeOptions } from '../data/options.js';
import { adapterSpecs } from '../lora/adapter.js';
import type { LoraOptions } from '../lora/options.js';
import { type ModelFolder, openModelFolder } from '../model/load.js';
import { linearShapes } from '../model/parameters.js';
import { checkTokens, lengthWarnings, vocabularyWarnings } from '../model/texts.js';
import { endIdWarnings } from '../tokenizer/end-ids.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.js';
import { stageOptionsFor, type TrainOptions } from './options.js';
import { planRun, type RunPlan } from './run-plan.js';

/** Everything about a run that is known before TensorFlow is loaded. */
export interface PreparedRun {
  readonly plan: RunPlan;
  /** The same run with other batches. */
  planWith(options: Pick<TrainOptions, 'microBatches' | 'evalRows'>): RunPlan;
  readonly set: StagedSet;
  readonly tokenizer: Tokenizer;
  /** Opened, its headers checked; the caller closes it. */
  readonly model: ModelFolder;
  /** What encoding did to the rows, held-out ones among them. */
  readonly report: EncodeReport;
  /** The time that the chat template prints in every row; undefined where it prints none. */
  readonly templateTime: string | undefined;
  /** What is odd about the model's files and the rows it is given, in plain words. */
  readonly warnings: readonly string[];
}

/** Inputs and options of {@link prepareRun}. */
export type PrepareOptions = TrainOptions &
  EncodeOptions & { readonly model: string; readonly data: string; readonly lora: LoraOptions };

/**
 * Reads and checks all inputs of a run, and plans it: options first, then the staged folder, the model's headers and
 * tokenizer, the rows. Throws a usage or data error at the first thing that is not as it must be.
 */
export async function prepareRun(options: PrepareOptions, hooks: EncodeHooks = {}): Promise<PreparedRun> {
  const set = await readSet(options);
  const base = await openBase(options);
  const { model, tokenizer } = base;
  try {
    const { rows, report, warnings } = await encodeSet(set, base, options, hooks);
    const planWith = (changes: Partial<TrainOptions>) => planSet(set, rows, { ...options, ...changes });
    const templateTime = templateTimeOf(base, options);
    return { plan: planWith({}), planWith, set, tokenizer, model, report, templateTime, warnings };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** The staged set of a run, after its options. */
export async function readSet(options: TrainOptions & Pick<PrepareOptions, 'data'>): Promise<StagedSet> {
  const set = await namingMemory(memoryFor('reading the staged rows'), () => readStaged(options.data));
  stageOptionsFor(options, plannedStageCount(set, options.order));
  return set;
}

/** A base model, opened; the caller closes it. */
export interface OpenedBase {
  readonly model: ModelFolder;
  readonly tokenizer: Tokenizer;
  /** What a chat template prints that asks for the time. */
  readonly time: string;
}

/** Opens a run's base model and its tokenizer, and checks that it has what the adapter is for. */
export async function openBase(
  options: Pick<PrepareOptions, 'model' | 'lora' | 'templateTime'>,
  now = localTime(new Date()),
): Promise<OpenedBase> {
  const model = await namingMemory(memoryFor('opening the model'), () => openModelFolder(options.model));
  try {
    adapterSpecs(linearShapes(model.config), options.lora);
    const time = options.templateTime ?? now;
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () =>
      loadTokenizer(options.model, { now: new Date(time) }),
    );
    return { model, tokenizer, time };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** The time that the chat template prints in every row; undefined where it prints none. */
export const templateTimeOf = (
  { tokenizer, time }: OpenedBase,
  { template }: Pick<EncodeOptions, 'template'>,
): string | undefined => (tokenizer.usesClock && template === 'chat' ? time : undefined);

/** All rows of a set as tokens, checked against the model, with what is odd about either. */
export async function encodeSet(
  set: StagedSet,
  { model, tokenizer }: OpenedBase,
  options: EncodeOptions,
  hooks: EncodeHooks = {},
): Promise<{ readonly rows: EncodedRow[] } & Pick<PreparedRun, 'report' | 'warnings'>> {
  const records = [...set.stages.flatMap(({ rows }) => rows), ...set.holdout];
  const { rows, report } = await namingMemory(
    memoryFor('encoding the rows', { option: 'maxLength', change: 'lower' }),
    () => encodeRows(records, tokenizer, options, hooks),
  );
  await checkTokens(
    model,
    rows.map(({ id, ids }) => ({ name: `row ${id}`, ids })),
    tokenizer.decode,
  );
  const warnings = [
    ...model.warnings,
    ...vocabularyWarnings(model, tokenizer.vocabSize),
    ...(await endIdWarnings(tokenizer)),
    ...lengthWarnings(
      model,
      rows.map(({ ids }) => ids.length),
      'rows',
    ),
  ];
  return { rows, report, warnings };
}

/** Plans a run over encoded rows, see {@link planRun}. */
export const planSet = (
  set: StagedSet,
  rows: readonly EncodedRow[],
  options: TrainOptions,
  known?: KnownSizes,
): RunPlan =>
  namingMemorySync(memoryFor('planning the batches', { option: 'epochs', change: 'lower' }), () =>
    planRun(set, rows, options, known),
  );

/** A time as the clock on the wall shows it, whatever the time zone: `new Date` of it prints the same anywhere. */
export function localTime(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
