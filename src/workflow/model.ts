import type { Device } from '../backend/backend.js';
import { checkText, parseOptions } from '../config/given-options.js';
import { dataError, PhasetuneError, usageError } from '../core/errors.js';
import { type Message, recordSchema } from '../data/record.js';
import { type Answer, answerOptionsSchema } from '../eval/answer-options.js';
import { decideProgram } from '../program/decide.js';
import type { Hooks } from './hooks.js';
import { type AnswerOptions, type ModelOptions, modelOptionsSchema } from './model-options.js';

/** What a user says, or a conversation whose next turn is the model's. */
export type Prompt = string | readonly Message[];

/** A model that answers prompts, with an adapter or without. */
export interface LanguageModel {
  /** What computes. */
  readonly device: Device;
  /**
   * Answers prompts, in their order. What an answer is depends on its prompt, its place among the
   * prompts and the options. Throws a data error that names the prompt, `interrupted` where `signal`
   * was aborted (its reason is the error's `cause`), or a usage error for an option.
   */
  generate(
    prompts: readonly Prompt[],
    options?: AnswerOptions,
    hooks?: Pick<Hooks, 'signal'>,
  ): Promise<readonly Answer[]>;
  /**
   * The same answers, each as soon as its batch is done: not in the order of the prompts. Other
   * calls wait until the loop over them ends.
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
 * Opens a model folder in Hugging Face's layout, with a PEFT adapter or without. It is opened once
 * and answers many calls: the first one loads the weights, and so does a later one with more or
 * longer prompts than there was room for, or another way to choose tokens (which of `temperature`,
 * `topK` and `topP` are set). Room grows by doubling. Throws data errors of the files.
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
  checkText('folder', folder);
  const { adapter, device, ...program } = parseOptions(modelOptionsSchema, options);
  const { loadBackend } = await import('../backend/load.js');
  const { openAnswering } = await import('../eval/model/answering.js');
  const backend = await loadBackend({ device, ...(logger && { logger }), verbose: verbose ?? false });
  const answering = await openAnswering(folder, {
    adapter,
    compile: await decideProgram(program, backend, { logger, decodes: true }),
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
      const conversations = conversationsOf(prompts, system);
      const leave = await turn();
      try {
        signal?.throwIfAborted();
        yield* answering.answer(conversations, decoding, signal);
      } catch (error) {
        throw signal?.aborted && error === signal.reason ? interruptedBy(error) : error;
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

/** The error of a call that its signal ended. */
const interruptedBy = (reason: unknown): PhasetuneError =>
  reason instanceof PhasetuneError
    ? reason
    : new PhasetuneError('interrupted', `interrupted while answering: ${String(reason)}`, {}, { cause: reason });

/** Nothing checks the types of a program written in JavaScript. */
function conversationsOf(prompts: readonly Prompt[], system: string | undefined): (readonly Message[])[] {
  if (!Array.isArray(prompts)) throw usageError('expected a list of prompts', { option: 'prompts' });
  return prompts.map((prompt: Prompt, i) => {
    if (typeof prompt === 'string')
      return [
        ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
        { role: 'user' as const, content: prompt },
      ];
    const parsed = recordSchema.shape.messages.safeParse(prompt);
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0]!;
    const where = path.length > 0 ? ` (${path.join('.')})` : '';
    throw dataError(
      `prompt ${i + 1}: expected text, or a list of at least one message with a role (system, user, assistant) and content${where}: ${message}`,
      { prompt: i + 1 },
    );
  });
}

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
