import { usageError } from '../core/errors.js';
import { shortHash } from '../core/hash.js';
import { endingOf } from '../endpoint/answers/finish.js';
import type { ChatReply, ChatRequest, Question } from '../endpoint/types.js';
import { expectedScore } from './expected.js';
import type { JudgeOptions } from './judge-options.js';
import { parseReply } from './parse.js';
import { excerpt } from './parse-number.js';
import { type JudgePrompt, PROMPT_VERSION, replySchema } from './prompt.js';
import type { Rubric } from './rubric.js';

/** A judge with every default filled in: what is asked, of which model, how. */
export interface Judge extends Omit<JudgeOptions, 'rubric' | 'temperature' | 'seed'> {
  readonly model: string;
  readonly rubric: Rubric;
  readonly temperature: number;
  readonly seed?: number | undefined;
}

/** What one reply says. */
export type Verdict =
  | {
      readonly score: number;
      readonly reason?: string;
      /** Probability that lay on the scale, where the score is an expected value. */
      readonly mass?: number;
      /** The score is the text's, since no probabilities came that could be used. */
      readonly fromText?: true;
    }
  | { readonly unclear: string };

/** Alternatives of a token that are requested: the most that OpenAI gives. */
const TOP = 20;

/** Temperature where rows are judged several times: at 0 all replies would be the same. */
const TEMPERATURE_OF_REPEATS = 0.7;

/** Fills in defaults. A usage error where an expected value is asked for and the scale's ends are no whole numbers. */
export function resolveJudge(options: JudgeOptions, rubric: Rubric, model: string): Judge {
  const several = options.repeats > 1;
  const { scale } = rubric;
  if (options.expected && !(Number.isInteger(scale.min) && Number.isInteger(scale.max)))
    throw usageError(
      `\`expected\`: the scale of ${rubric.name} goes from ${scale.min} to ${scale.max}; expected whole numbers, since only those have a probability each`,
      { option: 'expected' },
    );
  if (several && options.temperature === 0)
    throw usageError('`repeats` with `temperature: 0` would ask for the same reply again', {
      option: 'temperature',
      remedies: [
        { option: 'temperature', change: 'omit' },
        { option: 'repeats', change: 'omit' },
      ],
    });
  const seed = options.seed ?? (several ? 0 : undefined);
  return {
    ...options,
    model,
    rubric: options.expected ? { ...rubric, scale: { ...scale, whole: true } } : rubric,
    temperature: options.temperature ?? (several ? TEMPERATURE_OF_REPEATS : 0),
    ...(seed !== undefined && { seed }),
  };
}

/**
 * What a row's replies depend on, as a hash: model, parameters, rubric and the row's content as the judge sees it. What only decides whether a
 * reply comes (limits, structured output) is not in it, so that no answer is lost to a change of those.
 */
export const contentKey = ({ model, rubric, temperature, seed, expected }: Judge, { messages }: JudgePrompt): string =>
  // The system turn, if there is one, follows from the rubric.
  shortHash(
    JSON.stringify([
      PROMPT_VERSION,
      model,
      rubric.sha256,
      temperature,
      seed ?? null,
      expected,
      messages.at(-1)!.content,
    ]),
  );

/** Key of one question: `attempt` counts the replies that could not be read, from 0. */
export const questionKey = (content: string, repeat: number, attempt: number): string =>
  shortHash(`${content}:${repeat}:${attempt}`);

/** The question about a row, for one of its repeats. */
export function questionOf(judge: Judge, prompt: JudgePrompt, key: string, item: string, repeat: number): Question {
  const schema = judge.structured ? replySchema(judge.rubric) : undefined;
  const request: ChatRequest = {
    messages: prompt.messages,
    temperature: judge.temperature,
    maxTokens: judge.maxTokens,
    ...(judge.seed !== undefined && { seed: judge.seed + repeat }),
    ...(schema && { schema: { name: 'difficulty', schema } }),
    ...(judge.expected && { topLogprobs: TOP }),
  };
  return { key, item, request };
}

/** Reads a reply: its text and, where requested, its probabilities. One that was cut off counts only where it is whole JSON. */
export function verdictOf({ expected, rubric }: Judge, { text, finish, logprobs }: ChatReply): Verdict {
  const ending = endingOf(finish);
  if (ending === 'broken' || ending === 'filtered')
    return { unclear: `the server ended the reply ("${excerpt(finish)}")` };
  const parsed = parseReply(text, rubric.scale, ending === 'cut');
  if (!expected || 'unclear' in parsed) return parsed;
  const mean = logprobs && expectedScore(logprobs, parsed.score, rubric.scale);
  return mean ? { ...parsed, ...mean } : { ...parsed, fromText: true };
}
