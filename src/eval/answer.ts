import type { EncodeOptions } from '../data/options.js';
import { encodable, renderPrompt } from '../data/prompt.js';
import type { Message } from '../data/record.js';
import { generateSpec } from '../generate/cache.js';
import { generate } from '../generate/generate.js';
import type { GenerateOptions } from '../generate/options.js';
import { planDecode } from '../generate/plan.js';
import { adaptedModel } from '../lora/adapted-model.js';
import { checkVocabulary, openModel } from '../model/load.js';
import type { CompileOptions } from '../program/compile-options.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.js';

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
  { template, batch, decoding, compile }: AnswerOptions,
): Promise<{ answers(signal?: AbortSignal): AsyncGenerator<Answer>; close(): Promise<void> }> {
  const tokenizer = await loadTokenizer(modelFolder);
  const prompts = await promptIds(conversations, tokenizer, template);
  const plan = planDecode(prompts, decoding, batch);
  const model = await openModel(modelFolder);
  checkVocabulary(model, tokenizer.vocabSize);
  const program = await adaptedModel(
    model,
    adapterFolder,
    (config, linear) => generateSpec(config, linear, plan),
    compile,
  );
  return {
    async *answers(signal) {
      for await (const { index, ids, finish } of generate(program, plan, [...tokenizer.endIds], signal))
        yield { index, text: await tokenizer.decode(ids, { skipSpecialTokens: true }), tokens: ids.length, finish };
    },
    async close() {
      program.dispose();
      await model.close();
    },
  };
}
