import * as z from 'zod';

const logprobSchema = z.looseObject({
  content: z
    .array(
      z.looseObject({
        token: z.string(),
        logprob: z.number(),
        /** A probability of 0 has no logarithm, which some write as null. */
        top_logprobs: z.array(z.looseObject({ token: z.string(), logprob: z.number().nullish() })).nullish(),
      }),
    )
    .nullish(),
});

const textLike = z.string().nullish().catch(null);

const saidSchema = z.looseObject({
  /** A text, or parts of which some may be text. */
  content: z.union([z.string(), z.array(z.unknown())]).nullish(),
  refusal: textLike,
  /** How servers name the thoughts of a model that they keep apart from its reply. */
  reasoning_content: textLike,
  reasoning: textLike,
  thinking: textLike,
});

const choiceSchema = z.looseObject({
  message: saidSchema.optional(),
  /** In a stream, a piece of the message. */
  delta: saidSchema.optional(),
  /** One that is not a text ends the reply in a way that nobody knows. */
  finish_reason: z.unknown().transform((word) => (word == null ? '' : typeof word === 'string' ? word : 'unknown')),
  logprobs: logprobSchema.nullish().catch(null),
});

/** A reply, or an event of its stream. */
export const completionSchema = z.looseObject({
  choices: z.array(choiceSchema).nullish(),
  /** The model that replies, by the server's name for it. */
  model: textLike,
  /** Gemini's, in place of choices. */
  promptFeedback: z.looseObject({ blockReason: textLike }).nullish().catch(null),
});

/** See {@link completionSchema}. */
export type Completion = z.infer<typeof completionSchema>;
/** One of the replies in it. */
export type CompletionChoice = z.infer<typeof choiceSchema>;
type Said = z.infer<typeof saidSchema>;

interface Part {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly refusal?: unknown;
}

const partsOf = (content: Said['content']): readonly (Part | string | null)[] =>
  Array.isArray(content) ? (content as (Part | string | null)[]) : [];

/** The text of a message; of its parts only those of text count, and no thoughts. */
export function messageText(content: Said['content']): string {
  if (typeof content === 'string') return content;
  const texts = partsOf(content).map((part) => {
    if (typeof part === 'string') return part;
    const isText = part?.type === undefined || part.type === 'text' || part.type === 'output_text';
    return isText && typeof part?.text === 'string' ? part.text : '';
  });
  return texts.join('');
}

/** Why a model declines. */
export const refusalOf = ({ refusal, content }: Said): string =>
  (refusal ?? '') +
  partsOf(content)
    .map((part) => (typeof part === 'object' && typeof part?.refusal === 'string' ? part.refusal : ''))
    .join('');

/** Whether a message holds thoughts apart from its text. */
export const hasThoughts = ({ reasoning_content, reasoning, thinking, content }: Said): boolean =>
  Boolean(reasoning_content || reasoning || thinking) ||
  partsOf(content).some((part) => typeof part === 'object' && /think|reason/.test(String(part?.type)));
