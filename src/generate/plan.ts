import { choiceOf, type GenerateOptions } from './options.js';

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
  /** True for a program that takes prompts longer than a chunk, whether there are any or not. */
  readonly longPrompts?: boolean;
}

/** Chunks are a multiple of this. */
const STEP = 16;
/** Tokens that a call over prompts takes in, about: enough for fast products, and little is wasted on padding. */
const TOKENS_A_CALL = 1024;
/** A chunk is not made smaller than this, however many rows there are. */
const LEAST_CHUNK = 64;

/** The last token of an answer is never looked at again, so it needs no slot. */
const slotsFor = (longest: number, { maxTokens }: GenerateOptions, chunk: number): number =>
  Math.max(roundUp(longest, chunk), roundUp(longest + maxTokens - 1, STEP));

const longestOf = ({ prompts }: DecodePlan): number => Math.max(...prompts.map(({ length }) => length));

/** Whether a program for the plan can read prompts longer than a chunk. */
export const takesLongPrompts = ({
  prompts,
  shape,
  longPrompts = false,
}: Pick<DecodePlan, 'prompts' | 'shape' | 'longPrompts'>): boolean =>
  longPrompts || prompts.some(({ length }) => length > shape.chunk);

const roundUp = (n: number, step: number): number => Math.ceil(n / step) * step;

/**
 * Plans answers to prompts (token ids, at least one prompt and one token each), at most `rows` at once: prompts of
 * like length together, in batches as even as can be. Whatever the prompts, calls have three shapes: that of a first
 * chunk, of further chunks, and of a token.
 */
export function planDecode(prompts: readonly Int32Array[], options: GenerateOptions, rows: number): DecodePlan {
  const lengths = prompts.map((ids) => ids.length);
  if (prompts.length === 0 || lengths.includes(0)) throw new RangeError('a prompt must have at least one token');
  const longest = Math.max(...lengths);
  const even = Math.ceil(prompts.length / Math.ceil(prompts.length / rows));
  const largest = Math.max(LEAST_CHUNK, roundUp(Math.ceil(TOKENS_A_CALL / even), STEP));
  const chunk = Math.min(roundUp(longest, STEP), largest);
  const slots = slotsFor(longest, options, chunk);
  const order = prompts.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const batches: number[][] = [];
  for (let start = 0; start < order.length; start += even)
    batches.push(order.slice(start, start + even).sort((a, b) => a - b));
  return { prompts, options, shape: { rows: even, slots, chunk }, batches };
}

/** The plan carried out by a program that was made for another one; undefined where that is too small, or chooses tokens otherwise. */
export function fitInto(plan: DecodePlan, made: DecodePlan): DecodePlan | undefined {
  const { rows, slots, chunk } = made.shape;
  const longest = longestOf(plan);
  const fits =
    choiceOf(plan.options) === choiceOf(made.options) &&
    (choiceOf(plan.options) !== 'topK' || plan.options.topK === made.options.topK) &&
    plan.shape.rows <= rows &&
    slotsFor(longest, plan.options, chunk) <= slots &&
    (longest <= chunk || takesLongPrompts(made));
  return fits ? { ...plan, shape: made.shape, longPrompts: takesLongPrompts(made) } : undefined;
}

/**
 * The plan with room for what may come next, as where the turns of a chat grow longer: twice as many slots as the program had that proved
 * too small, but no more than a text of `limit` tokens needs.
 */
export function enlarge(plan: DecodePlan, made: DecodePlan, limit: number): DecodePlan {
  const doubled = Math.min(2 * made.shape.slots, roundUp(limit, STEP));
  const slots = plan.shape.slots > made.shape.slots ? Math.max(plan.shape.slots, doubled) : plan.shape.slots;
  return { ...plan, shape: { ...plan.shape, slots }, longPrompts: true };
}
