import type { Device } from '../backend/backend.js';
import { usageError } from '../core/errors.js';
import type { Message } from '../data/record.js';
import { type Answer, answerOptionsSchema } from '../eval/answer-options.js';
import { compileOptions } from '../program/options.js';
import type { Hooks } from './hooks.js';
import { type AnswerOptions, type ModelOptions, modelOptionsSchema } from './model-options.js';
import { parseOptions } from './options.js';

/** What a user says, or a conversation whose next turn is the model's. */
export type Prompt = string | readonly Message[];

/** A model that answers prompts, with an adapter or without. */
export interface LanguageModel {
  /** What computes. */
  readonly device: Device;
  /**
   * Answers prompts, in their order. What an answer is depends on its prompt, its place among the prompts and the options.
   * Throws a data error that names the prompt, the reason of `signal` between two tokens, or a usage error for an option.
   */
  generate(
    prompts: readonly Prompt[],
    options?: AnswerOptions,
    hooks?: Pick<Hooks, 'signal'>,
  ): Promise<readonly Answer[]>;
  /**
   * The same answers, each as soon as its batch is done: not in the order of the prompts. Other calls wait until the loop over them
   * ends.
   */
  answers(
    prompts: readonly Prompt[],
    options?: AnswerOptions,
    hooks?: Pick<Hooks, 'signal'>,
  ): AsyncGenerator<Answer, void>;
  /** Frees the model, after the calls that were made before. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a model folder in Hugging Face's layout, with a PEFT adapter or without. It is opened once and answers many calls: the first one
 * loads the weights, and so does a later one with more or longer prompts than there was room for, or another way to choose
 * tokens (which of `temperature`, `topK` and `topP` are set). Room grows by doubling. Throws data errors of the files.
 *
 * @example
 * await using llm = await openModel('models/tiny-llama', { adapter: 'checkpoints/first/adapter' });
 * const [first] = await llm.generate(['Name three rivers.'], { maxTokens: 16 });
 * console.log(first!.text);
 * for await (const { index, text } of llm.answers(['Hi', 'Why?'], { temperature: 0.7, seed: 1, maxTokens: 16 }))
 *   console.log(index, text);
 */
export async function openModel(
  folder: string,
  options: ModelOptions = {},
  { logger, verbose }: Pick<Hooks, 'logger' | 'verbose'> = {},
): Promise<LanguageModel> {
  const { adapter, device, ...program } = parseOptions(modelOptionsSchema, options);
  const { loadBackend } = await import('../backend/load.js');
  const { openAnswering } = await import('../eval/answering.js');
  const backend = await loadBackend({ device, ...(logger && { logger }), verbose: verbose ?? false });
  const answering = await openAnswering(folder, {
    adapter,
    compile: compileOptions(program, backend),
    forecastMemory: backend.device !== 'cuda',
    ...(logger && { logger }),
  });
  const turn = takeTurns();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= turn().then(() => answering.close());
    return closing;
  };
  const language: LanguageModel = {
    device: backend.device,
    async *answers(prompts, given = {}, { signal } = {}) {
      const { system, ...decoding } = parseOptions(answerOptionsSchema, given);
      if (closing) throw usageError('this model was closed; open it again');
      const leave = await turn();
      try {
        yield* answering.answer(conversationsOf(prompts, system), decoding, signal);
      } finally {
        leave();
      }
    },
    async generate(prompts, given, hooks) {
      const answers: Answer[] = [];
      for await (const answer of language.answers(prompts, given, hooks)) answers[answer.index] = answer;
      return answers;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return language;
}

const conversationsOf = (prompts: readonly Prompt[], system: string | undefined): (readonly Message[])[] =>
  prompts.map((prompt) =>
    typeof prompt === 'string'
      ? [
          ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
          { role: 'user' as const, content: prompt },
        ]
      : prompt,
  );

/** Lets callers in one after another, in the order in which they came; each calls what it got once it is done. */
function takeTurns(): () => Promise<() => void> {
  let last = Promise.resolve();
  return async () => {
    const before = last;
    let leave = (): void => {};
    last = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    return leave;
  };
}
