import type { GenerateOptions } from './options.js';

/** Sizes that decoding is recorded for. */
export interface CacheShape {
  /** Prompts answered together. */
  readonly rows: number;
  /** Tokens of a row whose keys and values are kept, prompt and answer. */
  readonly slots: number;
  /** Tokens of a prompt that go through the model in one call; longer prompts take several. */
  readonly chunk: number;
}

/** Prompts to be answered, and how: what the program must be made for. */
export interface DecodePlan {
  readonly prompts: readonly Int32Array[];
  readonly options: GenerateOptions;
  readonly shape: CacheShape;
  /** Indices of the prompts that are answered together, at most `shape.rows` each. */
  readonly batches: readonly (readonly number[])[];
}

/** Chunks are a multiple of this. */
const STEP = 16;
/** Tokens that a call over prompts takes in, about: enough for fast products, and little is wasted on padding. */
const TOKENS_A_CALL = 1024;
/** A chunk is not made smaller than this, however many rows there are. */
const LEAST_CHUNK = 64;

const roundUp = (n: number, step: number): number => Math.ceil(n / step) * step;

/**
 * Plans answers to prompts (token ids, at least one prompt and one token each), at most `rows` at a time: prompts of
 * like length together, in batches as even as can be. Whatever the prompts, calls have three shapes: that of a first
 * chunk, of further chunks, and of a token.
 */
export function planDecode(prompts: readonly Int32Array[], options: GenerateOptions, rows: number): DecodePlan {
  const lengths = prompts.map((ids) => ids.length);
  if (prompts.length === 0 || lengths.includes(0)) throw new RangeError('a prompt must have a token at least');
  const longest = Math.max(...lengths);
  const even = Math.ceil(prompts.length / Math.ceil(prompts.length / rows));
  const largest = Math.max(LEAST_CHUNK, roundUp(Math.ceil(TOKENS_A_CALL / even), STEP));
  const chunk = Math.min(roundUp(longest, STEP), largest);
  // The last token of an answer is never looked at again.
  const slots = Math.max(roundUp(longest, chunk), roundUp(longest + options.maxTokens - 1, STEP));
  const order = prompts.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const batches: number[][] = [];
  for (let start = 0; start < order.length; start += even)
    batches.push(order.slice(start, start + even).sort((a, b) => a - b));
  return { prompts, options, shape: { rows: even, slots, chunk }, batches };
}
