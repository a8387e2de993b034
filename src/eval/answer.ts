import { memoryFor, namedForMemory, namingMemory } from '../core/out-of-memory.js';
import type { EncodeOptions } from '../data/options.js';
import { encodable, renderPrompt } from '../data/prompt.js';
import type { Message } from '../data/record.js';
import { generateSpec } from '../generate/cache.js';
import { generate } from '../generate/generate.js';
import type { GenerateOptions } from '../generate/options.js';
import { planDecode } from '../generate/plan.js';
import { adaptedModel } from '../lora/adapted-model.js';
import { ownTokenizerWarnings } from '../lora/adapter-folder.js';
import { linear } from '../model/linear.js';
import { openModel } from '../model/load.js';
import { checkTokens, lengthWarnings, vocabularyWarnings } from '../model/texts.js';
import type { CompileOptions } from '../program/compile-options.js';
import { memoryWarning } from '../telemetry/memory-warning.js';
import { endIdWarnings } from '../tokenizer/end-ids.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.js';
import { modelMemory } from './model-memory.js';

/** An answer as text: to which conversation, how many ids it has, and whether it ended by itself. */
export interface Answer {
  readonly index: number;
  readonly text: string;
  readonly tokens: number;
  readonly finish: 'stop' | 'length';
}

/** Token ids of conversations whose next turn is the model's. What their turns say is text, whatever it spells. */
export async function promptIds(
  conversations: readonly (readonly Message[])[],
  tokenizer: Tokenizer,
  template: EncodeOptions['template'],
): Promise<Int32Array[]> {
  const texts = conversations.map((messages) =>
    encodable(renderPrompt(messages, tokenizer, template), { splitSpecialTokens: true }),
  );
  return (await tokenizer.encodeBatch(texts)).map(({ ids }) => Int32Array.from(ids));
}

/** How conversations are answered: written down, at most how many together, decoded, computed. */
export interface AnswerOptions {
  readonly template: EncodeOptions['template'];
  readonly batch: number;
  readonly decoding: GenerateOptions;
  readonly compile: CompileOptions;
  /** Given what should be known before the model is loaded. */
  readonly warn?: (warning: string) => void;
}

/** A model that is ready to answer. */
export interface Answerer {
  /** What is odd about the files or the prompts, in plain words. */
  readonly warnings: readonly string[];
  answers(signal?: AbortSignal): AsyncGenerator<Answer>;
  close(): Promise<void>;
}

/**
 * Opens a model folder, with an adapter folder or without, ready to answer these conversations, at most `batch` of them
 * together. Answers come batch by batch, those to short conversations first. A backend must be loaded. Throws data
 * errors of the files; answers throw the reason of `signal` between two tokens.
 */
export async function openAnswerer(
  modelFolder: string,
  adapterFolder: string | undefined,
  conversations: readonly (readonly Message[])[],
  { template, batch, decoding, compile, warn }: AnswerOptions,
): Promise<Answerer> {
  const model = await namingMemory(memoryFor('opening the model'), () => openModel(modelFolder));
  try {
    const tokenizer = await namingMemory(memoryFor('reading the tokenizer'), () => loadTokenizer(modelFolder));
    const prompts = await promptIds(conversations, tokenizer, template);
    await checkTokens(
      model,
      prompts.map((ids, i) => ({ name: `prompt ${i + 1}`, ids })),
      tokenizer.decode,
    );
    const plan = planDecode(prompts, decoding, batch);
    const ofAdapter: string[] = [];
    const weights = compile.loadIn8bit ? [] : ['hold the weights in 8 bits with --load-in-8bit'];
    if (warn) {
      const bytes = modelMemory(model.config, generateSpec(model.config, linear, plan), compile);
      const remedies = [...weights, 'lower --batch', 'lower --max-tokens', 'take a smaller model'];
      const warning = memoryWarning('the model with its cache', bytes, remedies);
      if (warning !== undefined) warn(warning);
    }
    const program = await namingMemory(memoryFor('loading the model', ...weights, 'take a smaller model'), () =>
      adaptedModel(
        model,
        adapterFolder,
        (config, linear) => generateSpec(config, linear, plan),
        compile,
        (warning) => ofAdapter.push(warning),
      ),
    );
    return {
      warnings: [
        ...model.warnings,
        ...vocabularyWarnings(model, tokenizer.vocabSize),
        ...(await endIdWarnings(tokenizer)),
        ...lengthWarnings(
          model,
          prompts.map(({ length }) => length + decoding.maxTokens),
          'prompts (with all tokens that their answers may have)',
        ),
        ...ofAdapter,
        ...(adapterFolder === undefined ? [] : await ownTokenizerWarnings(adapterFolder, modelFolder)),
      ],
      async *answers(signal) {
        try {
          for await (const { index, ids, finish } of generate(program, plan, [...tokenizer.endIds], signal))
            yield { index, text: await tokenizer.decode(ids, { skipSpecialTokens: true }), tokens: ids.length, finish };
        } catch (error) {
          throw namedForMemory(memoryFor('answering', 'lower --batch', 'lower --max-tokens', ...weights), error);
        }
      },
      async close() {
        program.dispose();
        await model.close();
      },
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}
