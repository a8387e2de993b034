import {
  fewerBits,
  isOutOfMemory,
  memoryFor,
  namedForMemory,
  namingMemory,
  SMALLER_MODEL,
} from '../../core/out-of-memory.js';
import type { Remedy } from '../../core/remedies.js';
import type { Message } from '../../data/record.js';
import { generateSpec } from '../../generate/cache.js';
import { generate } from '../../generate/generate.js';
import { type DecodePlan, enlarge, fitInto, planDecode } from '../../generate/plan.js';
import { programWithAdapter } from '../../lora/adapted-model.js';
import type { Adapter } from '../../lora/adapter.js';
import { ownTokenizerWarnings } from '../../lora/adapter-folder.js';
import { readAdapter } from '../../lora/peft-files.js';
import { linear } from '../../model/linear.js';
import { type ModelFolder, openModelFolder } from '../../model/load.js';
import { linearShapes } from '../../model/parameters.js';
import { checkTokens, lengthWarnings, vocabularyWarnings } from '../../model/texts.js';
import type { CompileOptions } from '../../program/compile-options.js';
import type { Program } from '../../program/program.js';
import { type Logger, silentLogger } from '../../telemetry/logger.js';
import { memoryWarning } from '../../telemetry/memory-warning.js';
import { endIdWarnings } from '../../tokenizer/end-ids.js';
import { loadTokenizer, type Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Answer, ResolvedAnswerOptions } from '../answer-options.js';
import { modelMemory } from './model-memory.js';
import { promptIds } from './prompt-ids.js';

/** How a model is opened to answer. */
export interface AnsweringOptions {
  /** PEFT adapter folder. */
  readonly adapter?: string | undefined;
  readonly compile: CompileOptions;
  /**
   * Warns where answering is forecast to take more memory than the process may have; of no use
   * where a card computes.
   */
  readonly forecastMemory?: boolean;
  /** Is given what is odd about the files and the prompts. */
  readonly logger?: Logger;
}

/** A model that answers. */
export interface Answering {
  /**
   * Answers conversations whose next turn is the model's, batch by batch, short conversations
   * first. Read one call's answers to their end before the next call. Throws a data error that
   * names the prompt, or the reason of `signal` between two tokens.
   */
  answer(
    conversations: readonly (readonly Message[])[],
    options: Omit<ResolvedAnswerOptions, 'system'>,
    signal?: AbortSignal,
  ): AsyncGenerator<Answer>;
  close(): Promise<void>;
}

/**
 * Opens a model folder, with an adapter or without. The first call loads the weights, into a
 * program made for its prompts; a later call that needs a larger program, or chooses tokens in
 * another way, loads them again. A backend must be loaded. Throws data errors of the files.
 */
export async function openAnswering(folder: string, options: AnsweringOptions): Promise<Answering> {
  const { adapter: adapterFolder, compile, logger = silentLogger } = options;
  const model = await namingMemory(memoryFor('opening the model'), () => openModelFolder(folder));
  try {
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () => loadTokenizer(folder));
    const adapter = adapterFolder && (await readAdapter(adapterFolder, linearShapes(model.config)));
    for (const warning of [
      ...model.warnings,
      ...vocabularyWarnings(model, tokenizer.vocabSize),
      ...(await endIdWarnings(tokenizer)),
      ...(adapter ? adapter.warnings : []),
      ...(adapterFolder ? await ownTokenizerWarnings(adapterFolder, folder) : []),
    ])
      logger.warn(warning);
    const decoder = decoderOf(model, adapter || undefined, options);
    return {
      async *answer(conversations, { template, batch, ...decoding }, signal) {
        if (conversations.length === 0) return;
        const prompts = await promptIds(conversations, tokenizer, template);
        await checkPrompts(prompts, decoding.maxTokens, { model, tokenizer, logger });
        const { program, plan } = await decoder.for(planDecode(prompts, decoding, batch));
        try {
          for await (const { index, ids, finish } of generate(program, plan, [...tokenizer.endIds], signal))
            yield { index, text: await tokenizer.decode(ids, { skipSpecialTokens: true }), tokens: ids.length, finish };
        } catch (error) {
          // A program that was too large would be too large for the next call, too, which may need less.
          if (isOutOfMemory(error)) decoder.dispose();
          throw namedForMemory(memoryFor('answering', ...SMALLER_CACHE, ...fewerBits(compile)), error);
        }
      },
      async close() {
        decoder.dispose();
        await model.close();
      },
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** What helps where a cache is too large. */
export const SMALLER_CACHE: readonly Remedy[] = [
  { option: 'batch', change: 'lower' },
  { option: 'maxTokens', change: 'lower' },
];

/** Refuses prompts that the model has no tokens for, and warns of those that are too long for it. */
async function checkPrompts(
  prompts: readonly Int32Array[],
  maxTokens: number,
  { model, tokenizer, logger }: { model: ModelFolder; tokenizer: Tokenizer; logger: Logger },
): Promise<void> {
  const texts = prompts.map((ids, i) => ({ name: `prompt ${i + 1}`, ids }));
  await checkTokens(model, texts, tokenizer.decode);
  const lengths = prompts.map(({ length }) => length + maxTokens);
  for (const warning of lengthWarnings(model, lengths, 'prompts (with all tokens that their answers may have)'))
    logger.warn(warning);
}

/** A program, and a plan in its shape. */
interface Decoder {
  readonly program: Program;
  readonly plan: DecodePlan;
}

/**
 * Keeps one program over the model's weights, and makes a larger one where a plan needs it: two
 * would hold the weights twice.
 */
function decoderOf(
  model: ModelFolder,
  adapter: Adapter | undefined,
  { compile, forecastMemory = false, logger = silentLogger }: AnsweringOptions,
): { for(plan: DecodePlan): Promise<Decoder>; dispose(): void } {
  let held: Decoder | undefined;
  const dispose = (): void => {
    held?.program.dispose();
    held = undefined;
  };
  const warnOfMemory = (plan: DecodePlan): void => {
    const bytes = modelMemory(model.config, generateSpec(model.config, linear, plan), compile);
    const remedies = [...fewerBits(compile), ...SMALLER_CACHE, SMALLER_MODEL];
    const warning = memoryWarning('the model with its cache', bytes, remedies);
    if (warning !== undefined) logger.warn(warning);
  };
  return {
    async for(wanted) {
      const fitting = held && fitInto(wanted, held.plan);
      if (held && fitting) return { program: held.program, plan: fitting };
      const plan = held ? enlarge(wanted, held.plan, model.config.max_position_embeddings) : wanted;
      dispose();
      if (forecastMemory) warnOfMemory(plan);
      const use = memoryFor('loading the model', ...fewerBits(compile), SMALLER_MODEL);
      const program = await namingMemory(use, () =>
        programWithAdapter(model, adapter, (config, projection) => generateSpec(config, projection, plan), compile),
      );
      held = { program, plan };
      return held;
    },
    dispose,
  };
}
