import type { Random } from '../../src/core/random.js';

/** What makes an instruction hard, as counts. */
export interface Load {
  /** Operations from the words of the instruction to the answer, at least 1. */
  readonly steps: number;
  /** Things to hold in view at once: list items, people, words asked for. */
  readonly items: number;
  /** Sentences or facts that have nothing to do with the answer. */
  readonly distractors?: number;
  /** Irregular forms, uncommon words, carries, ends of months: what a rule of thumb gets wrong. */
  readonly awkward?: number;
}

/** One instruction before it has an id. */
export interface Draft {
  readonly prompt: string;
  readonly answer: string;
  readonly load: Load;
  /** What is asked, without the wording: no two rows of a kind share it. */
  readonly key: string;
}

/** Draws an instruction of one kind. */
export type Kind = (rng: Random) => Draft;

/**
 * Difficulty from 1 to 5 in steps of 0.05: 1, plus 0.8 for each operation beyond the first, 0.25
 * for each item beyond two, 0.5 for each distractor and 0.6 for each awkward thing, cut off at 5.
 */
export function scoreOf({ steps, items, distractors = 0, awkward = 0 }: Load): number {
  const raw = 1 + 0.8 * (steps - 1) + 0.25 * Math.max(0, items - 2) + 0.5 * distractors + 0.6 * awkward;
  return Math.round(Math.min(5, raw) * 20) / 20;
}

/** One of the items. */
export const oneOf = <T>(rng: Random, items: readonly T[]): T => items[rng.integer(items.length)]!;

/** `n` different items in random order. */
export const sample = <T>(rng: Random, items: readonly T[], n: number): T[] => rng.shuffle(items).slice(0, n);

/** Uniform integer from `low` to `high`, both included. */
export const between = (rng: Random, low: number, high: number): number => low + rng.integer(high - low + 1);

/** True with probability `p`. */
export const chance = (rng: Random, p: number): boolean => rng.uniform() < p;

/** First letter in upper case. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A list as people write it: "a, b, c", "a, b and c" or "a / b / c". */
export function series(rng: Random, items: readonly (string | number)[]): string {
  const style = rng.integer(4);
  if (style === 0) return items.join(' / ');
  if (style === 1 && items.length > 1) return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
  return items.join(', ');
}

const OPENERS = [
  'Please: ',
  'Quick question: ',
  'Hi! ',
  'Can you help me? ',
  'One more: ',
  'Hello! ',
  'Please tell me: ',
];
/** First words that may stand in lower case. */
const HASTY =
  /^(Antonyms|Arrange|Calculate|Change|Complete|Continue|Convert|Count|Fill|Find|Give|How|Make|Name|Order|Put|Rewrite|Sort|Take|The|Turn|What|Which|Who|Work|Write)\b/;

const CLOSERS = [' Thanks!', ' Thank you.', ' Just the answer, please.', ' Keep it short.', ' No explanation.'];

/** Sometimes puts a polite opening or closing, or plain haste, around an instruction. */
export function dress(rng: Random, text: string): string {
  const roll = rng.uniform();
  if (roll < 0.15) return oneOf(rng, OPENERS) + text;
  if (roll < 0.3) return text + oneOf(rng, CLOSERS);
  if (roll < 0.4 && HASTY.test(text)) return text.charAt(0).toLowerCase() + text.slice(1);
  return text;
}
