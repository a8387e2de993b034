import { setImmediate } from 'node:timers/promises';
import { hashOf } from '../../core/hash.js';
import { memoryFor, namingMemory } from '../../core/out-of-memory.js';
import type { EncodedRow } from '../../data/encoded.js';
import type { Ledger, LedgerLine } from '../../endpoint/ledger.js';
import { fingerprintModel } from '../../model/fingerprint.js';
import { type ModelFolder, openModelFolder } from '../../model/load.js';
import { checkTokens, vocabularyWarnings } from '../../model/texts.js';
import type { CompileOptions } from '../../program/compile-options.js';
import { type LossPlan, measureTexts, type TextMeter } from '../../scoring/measure-losses.js';
import { type Logger, silentLogger } from '../../telemetry/logger.js';
import { loadTokenizer, type Tokenizer } from '../../tokenizer/tokenizer.js';
import type { LocalJudgeOptions } from '../judge/local-options.js';

/** What a judge in this process is opened with. */
export interface LocalJudgeSetup<L extends LedgerLine> extends Omit<LocalJudgeOptions, 'judgePrecision'> {
  /** Model folder. */
  readonly model: string;
  readonly compile: CompileOptions;
  /** What was measured before, and is not measured again; other judges' lines may be in it. Stays open. */
  readonly ledger: Pick<Ledger<L>, 'has' | 'get' | 'append'>;
  readonly logger?: Logger | undefined;
}

/** A model that judges; weights are loaded when the first text is to be measured. */
export interface JudgeModel {
  readonly model: ModelFolder;
  readonly tokenizer: Tokenizer;
  /** Most tokens of a text. */
  readonly maxLength: number;
  /** What of the model and of how it runs decides what is measured. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** Opens a judge's model folder. Throws data errors of its files. */
export async function openJudgeModel<L extends LedgerLine>({
  model: folder,
  compile,
  judgeMaxLength,
  logger = silentLogger,
}: LocalJudgeSetup<L>): Promise<JudgeModel> {
  const model = await namingMemory(memoryFor('opening the model'), () => openModelFolder(folder));
  try {
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () => loadTokenizer(folder));
    for (const warning of [...model.warnings, ...vocabularyWarnings(model, tokenizer.vocabSize)]) logger.warn(warning);
    const maxLength = Math.min(judgeMaxLength, model.config.max_position_embeddings);
    const { precision, loadIn16bit = false, loadIn8bit = false, loadIn4bit = false } = compile;
    const about = {
      model: folder,
      sha256: hashOf(await fingerprintModel(model.path)),
      precision,
      ...(loadIn8bit && { loadIn8bit }),
      ...(loadIn16bit && { loadIn16bit }),
      ...(loadIn4bit && { loadIn4bit }),
      maxLength,
    };
    return { model, tokenizer, maxLength, about };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** Refuses texts with tokens that the model has no embedding for. */
export const checkTexts = ({ model, tokenizer }: JudgeModel, texts: readonly EncodedRow[]): Promise<void> =>
  checkTokens(
    model,
    texts.map(({ id, ids }) => ({ name: `row ${id}`, ids })),
    tokenizer.decode,
  );

/**
 * Measures what a plan has left, and reports at once, after each batch, and at the end, when lines of further texts may
 * be in the ledger. Ends early without error when `signal` is aborted; `measure` is first called when it is needed.
 */
export async function* measuring<L extends LedgerLine>(
  plan: LossPlan,
  measure: TextMeter<L>,
  ledger: Pick<Ledger<L>, 'has' | 'append'>,
  signal: AbortSignal | undefined,
): AsyncGenerator<void> {
  yield;
  if (signal?.aborted) return;
  for await (const _ of measureTexts(plan, measure, ledger)) {
    yield;
    // Signals are delivered only while this waits.
    await setImmediate();
    if (signal?.aborted) return;
  }
  yield;
}
