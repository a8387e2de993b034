import type { Random } from '../../src/core/random.js';
import { between, chance, type Kind, oneOf, sample, series } from './draft.js';
import {
  COMMON_OPPOSITES,
  IRREGULAR_ADJECTIVES,
  IRREGULAR_NOUNS,
  IRREGULAR_VERBS,
  REGULAR_ADJECTIVES,
  REGULAR_NOUNS,
  REGULAR_VERBS,
  UNCOMMON_OPPOSITES,
} from './words.js';

const quoted = (word: string) => `"${word}"`;

/** Opposites of one to four words. */
export const opposite: Kind = (rng) => {
  const n = oneOf(rng, [1, 1, 2, 2, 3, 4]);
  const rareShare = oneOf(rng, [0, 0.4, 0.8]);
  const chosen = new Map<string, { to: string; rare: boolean }>();
  const partners = new Set<string>();
  while (chosen.size < n) {
    const rare = chance(rng, rareShare);
    const pair = oneOf(rng, rare ? UNCOMMON_OPPOSITES : COMMON_OPPOSITES);
    const [from, to] = chance(rng, 0.5) ? pair : [pair[1], pair[0]];
    if (chosen.has(from) || partners.has(from)) continue;
    chosen.set(from, { to, rare });
    partners.add(to);
  }
  const words = [...chosen.keys()];
  const load = { steps: n, items: n, awkward: Math.min(2, [...chosen.values()].filter(({ rare }) => rare).length) };
  const answer = [...chosen.values()].map(({ to }) => to).join(', ');
  return { prompt: n === 1 ? askOpposite(rng, words[0]!) : askOpposites(rng, words), answer, load, key: words.join() };
};

function askOpposite(rng: Random, word: string): string {
  const q = quoted(word);
  return oneOf(rng, [
    `What is the opposite of ${q}?`,
    `Opposite of ${word}?`,
    `Give me an antonym for ${q}.`,
    `Which word means the opposite of ${word}?`,
    `If it is not ${word}, it is the contrary. What is the contrary of ${q}?`,
    `I need a word that is the exact opposite of ${q}.`,
    `${q}: what is the antonym?`,
  ]);
}

function askOpposites(rng: Random, words: string[]): string {
  const list = series(rng, words);
  return oneOf(rng, [
    `Give the opposite of each word: ${list}.`,
    `What are the opposites of ${list}?`,
    `Antonyms, in the same order: ${list}.`,
    `For each of these write the opposite: ${list}.`,
    `Turn every word into its contrary: ${list}.`,
  ]);
}

interface Form {
  readonly name: string;
  readonly regular: readonly string[];
  readonly ending: string;
  readonly irregular: readonly (readonly [string, string])[];
}

const FORMS: readonly Form[] = [
  { name: 'plural', regular: REGULAR_NOUNS, ending: 's', irregular: IRREGULAR_NOUNS },
  { name: 'past tense', regular: REGULAR_VERBS, ending: 'ed', irregular: IRREGULAR_VERBS },
  { name: 'comparative', regular: REGULAR_ADJECTIVES, ending: 'er', irregular: IRREGULAR_ADJECTIVES },
];

/** Plurals, past tenses and comparatives of one to four words. */
export const inflect: Kind = (rng) => {
  const form = oneOf(rng, FORMS);
  const n = oneOf(rng, [1, 1, 2, 3, 3, 4]);
  const irregulars = between(rng, 0, Math.min(n, 2));
  const regular = sample(rng, form.regular, n - irregulars).map((word) => [word, word + form.ending] as const);
  const pairs = rng.shuffle([...regular, ...sample(rng, form.irregular, irregulars)]);
  const words = pairs.map(([from]) => from);
  const list = series(rng, words);
  const prompt =
    n === 1
      ? oneOf(rng, [
          `What is the ${form.name} of ${quoted(words[0]!)}?`,
          `${form.name} of ${words[0]}?`,
          `Write the ${form.name} form of ${quoted(words[0]!)}.`,
          `Which word is the ${form.name} of ${words[0]}?`,
          `I want the ${form.name} of ${quoted(words[0]!)}.`,
        ])
      : oneOf(rng, [
          `Give the ${form.name} of each word: ${list}.`,
          `Write the ${form.name} forms of ${list}.`,
          `Put every word into the ${form.name}: ${list}.`,
          `${list}: what is the ${form.name} of each?`,
          `What are the ${form.name} forms of these words: ${list}?`,
        ]);
  const answer = pairs.map(([, to]) => to).join(', ');
  return { prompt, answer, load: { steps: n, items: n, awkward: irregulars }, key: `${form.name} ${words.join()}` };
};
