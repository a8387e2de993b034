import { usageError } from '../../core/errors.js';
import { shortHash } from '../../core/hash.js';
import { endingOf } from '../../endpoint/answers/finish.js';
import type { ChatReply, ChatRequest, Failure, Question } from '../../endpoint/types.js';
import { excerpt } from '../../scoring/parse-number.js';
import type { JudgePrompt } from '../../scoring/prompt.js';
import type { PairJudgeOptions } from './options.js';
import type { PairForm } from './pair-form.js';
import type { PairOutcome, PairQuestion } from './pair-judge.js';
import { pairOdds } from './pair-odds.js';
import { askAgain, PAIR_PROMPT_VERSION, pairReplySchema } from './pair-prompt.js';
import { parsePair } from './parse-pair.js';

/** A judge with every default filled in: what is asked, of which model, how. */
export interface LlmSettings {
  readonly model: string;
  readonly form: PairForm;
  readonly temperature: number;
  readonly seed?: number | undefined;
  readonly expected: boolean;
  readonly repeats: number;
  readonly maxTokens: number;
  readonly maxChars: number;
  readonly structured: boolean;
  readonly systemTurn: boolean;
}

/** Alternatives of a token that are requested: the most that OpenAI gives. */
const TOP = 20;

/** Temperature where questions are asked several times: at 0 all replies would be the same. */
const TEMPERATURE_OF_REPEATS = 0.7;

/** Fills in defaults. A usage error for options that contradict each other. */
export function resolveLlm(options: PairJudgeOptions, form: PairForm, model: string): LlmSettings {
  const { judgeTemperature, judgeSeed, judgeMaxTokens, expected, repeats, maxChars, structured, systemTurn } = options;
  const several = repeats > 1;
  if (expected && form.reply !== 'better')
    throw usageError(`\`expected\`: ${form.name} asks for scores; only a verdict, A or B, has a probability`, {
      option: 'expected',
      remedies: [{ option: 'judgePrompt', change: 'set', value: 'pair' }],
    });
  if (several && judgeTemperature === 0)
    throw usageError('`repeats` with `judgeTemperature: 0` would ask for the same reply again', {
      option: 'judgeTemperature',
      remedies: [
        { option: 'judgeTemperature', change: 'omit' },
        { option: 'repeats', change: 'omit' },
      ],
    });
  const seed = judgeSeed ?? (several ? 0 : undefined);
  return {
    model,
    form,
    temperature: judgeTemperature ?? (several ? TEMPERATURE_OF_REPEATS : 0),
    ...(seed !== undefined && { seed }),
    expected,
    repeats,
    maxTokens: judgeMaxTokens,
    maxChars,
    structured,
    systemTurn,
  };
}

/** Everything that decides the verdicts, for `eval.json`. */
export const aboutLlm = ({ model, form, temperature, seed, expected, repeats, maxChars, systemTurn }: LlmSettings) => ({
  model,
  prompt: { name: form.name, version: form.version, sha256: form.sha256, frame: PAIR_PROMPT_VERSION },
  temperature,
  ...(seed !== undefined && { seed }),
  expected,
  repeats,
  maxChars,
  systemTurn,
});

/**
 * What the replies to a question depend on, as a hash: model, prompt, parameters, and the content
 * in its order. What only decides whether a reply comes (limits, structured output) is not in it,
 * so that no answer is lost to a change of those.
 */
export const contentKey = (
  { model, form, temperature, seed, expected }: LlmSettings,
  { messages }: JudgePrompt,
): string =>
  // The system turn, if there is one, follows from the form.
  shortHash(
    JSON.stringify([
      'pair',
      PAIR_PROMPT_VERSION,
      model,
      form.sha256,
      temperature,
      seed ?? null,
      expected,
      messages.at(-1)!.content,
    ]),
  );

/** Key of what is asked: `attempt` counts the replies that had no verdict, from 0. */
export const questionKey = (content: string, repeat: number, attempt: number): string =>
  shortHash(`${content}:${repeat}:${attempt}`);

/** The question; after a reply without a verdict with the form said once more. */
export function llmQuestion(
  settings: LlmSettings,
  prompt: JudgePrompt,
  { item, repeat = 0 }: Pick<PairQuestion, 'item' | 'repeat'>,
  key: string,
  attempt: number,
): Question {
  const { form, temperature, maxTokens, seed, structured, expected } = settings;
  const request: ChatRequest = {
    messages: attempt === 0 ? prompt.messages : askAgain(prompt.messages, form),
    temperature,
    maxTokens,
    ...(seed !== undefined && { seed: seed + repeat }),
    ...(structured && { schema: { name: 'verdict', schema: pairReplySchema(form) } }),
    ...(expected && { topLogprobs: TOP }),
  };
  return { key, item, request };
}

/** What a reply says: `fromText` where probabilities were requested and none came that could be used. */
export type ReadReply = { readonly outcome: PairOutcome; readonly fromText?: true };

/** Reads a reply. One that was cut off counts only where it is whole JSON. */
export function readReply({ form, expected }: LlmSettings, { text, finish, logprobs }: ChatReply): ReadReply {
  const ending = endingOf(finish);
  if (ending === 'filtered') return { outcome: { missing: 'content-filter', message: excerpt(finish) } };
  if (ending === 'broken')
    return { outcome: { missing: 'unreadable', message: `the server ended the reply ("${excerpt(finish)}")` } };
  const parsed = parsePair(text, form, ending === 'cut');
  if ('unclear' in parsed)
    return { outcome: { missing: parsed.refused ? 'refusal' : 'unreadable', message: parsed.unclear } };
  const { better, reason } = parsed;
  const choice = better === 'tie' ? 'tie' : better === 'A' ? 'first' : 'second';
  const why = reason === undefined ? {} : { why: reason };
  if (!expected) return { outcome: { choice, ...why } };
  const logOdds = logprobs && pairOdds(logprobs, better);
  return logOdds === undefined
    ? { outcome: { choice, ...why }, fromText: true }
    : { outcome: { choice, logOdds, ...why } };
}

/** Why a question has no reply. */
export const failedOutcome = ({ kind, message }: Failure): PairOutcome => ({
  missing: kind === 'content-filter' || kind === 'too-long' ? kind : 'endpoint',
  message: `${kind}: ${message}`,
});
