import type { Random } from '../../src/core/random.js';
import { between, capital, chance, type Kind, oneOf, sample, series } from './draft.js';
import { NAMES, THINGS } from './words.js';

interface Operation {
  readonly sign: 1 | -1;
  readonly by: number;
}

/** Operations whose running total stays positive, and how many of them carry or borrow over a ten. */
function operations(
  rng: Random,
  start: number,
  n: number,
  top: number,
): { list: Operation[]; total: number; carries: number } {
  const list: Operation[] = [];
  let total = start;
  let carries = 0;
  while (list.length < n) {
    const sign = total > 2 && chance(rng, 0.45) ? -1 : 1;
    const by = between(rng, 1, sign < 0 ? Math.min(top, total - 1) : top);
    if (sign > 0 ? (total % 10) + (by % 10) > 9 : total % 10 < by % 10) carries++;
    list.push({ sign, by });
    total += sign * by;
  }
  return { list, total, carries };
}

/** Sums and differences of small numbers, plain or as a story. */
export const sum: Kind = (rng) => {
  const top = oneOf(rng, [5, 9, 9, 20]);
  const start = between(rng, 1, top);
  const n = oneOf(rng, [1, 1, 2, 2, 3, 4]);
  const { list, total, carries } = operations(rng, start, n, top);
  const load = { steps: n, items: n + 1, awkward: Math.min(2, carries) };
  const key = `${start}${list.map(({ sign, by }) => (sign > 0 ? '+' : '-') + by).join('')}`;
  if (chance(rng, 0.4)) {
    const plain = `${start} ${list.map(({ sign, by }) => `${sign > 0 ? '+' : '-'} ${by}`).join(' ')}`;
    const spoken = `${start} ${list.map(({ sign, by }) => `${sign > 0 ? 'plus' : 'minus'} ${by}`).join(' ')}`;
    const prompt = oneOf(rng, [
      `What is ${plain}?`,
      `${plain} = ?`,
      `Work out ${plain}.`,
      `How much is ${spoken}?`,
      `Calculate ${spoken}.`,
    ]);
    return { prompt, answer: String(total), load, key };
  }
  const extra = chance(rng, 0.35) ? 1 : 0;
  return {
    prompt: story(rng, start, list, extra === 1),
    answer: String(total),
    load: { ...load, distractors: extra },
    key,
  };
};

const GAINS = ['gets {n} more', 'finds {n} more', 'buys another {n}', 'is given {n}', 'wins {n}'];
const LOSSES = ['loses {n}', 'gives away {n}', 'sells {n}', 'hands {n} to a friend', 'drops {n} of them'];

function story(rng: Random, start: number, list: readonly Operation[], distractor: boolean): string {
  const name = oneOf(rng, NAMES);
  const [thing, other] = sample(rng, THINGS, 2) as [string, string];
  const events = list.map(({ sign, by }) => oneOf(rng, sign > 0 ? GAINS : LOSSES).replace('{n}', String(by)));
  const told = events.length === 1 ? events[0] : `${events.slice(0, -1).join(', ')}, then ${events.at(-1)}`;
  const owned = `${start} ${start === 1 ? thing.slice(0, -1) : thing}`;
  const aside = distractor ? ` and ${between(rng, 2, 9)} ${other}` : '';
  return oneOf(rng, [
    `${name} has ${owned}${aside} and ${told}${distractor ? `, all ${thing}` : ''}. How many ${thing} does ${name} have now?`,
    `${name} starts with ${owned}${aside}. ${name} ${told}${distractor ? `, all ${thing}` : ''}. How many ${thing} are left?`,
    `There are ${owned}${aside} in ${name}'s bag. ${name} ${told}${distractor ? `, all ${thing}` : ''}. ${capital(thing)} in the end?`,
  ]);
}

/** The largest, smallest or second of some numbers, their range, or the oldest and youngest of some people. */
export const compare: Kind = (rng) => {
  const n = oneOf(rng, [2, 2, 3, 4, 5, 6]);
  const decimal = chance(rng, 0.3);
  const top = oneOf(rng, [20, 99, 999]);
  const numbers = sample(
    rng,
    Array.from({ length: top }, (_, i) => i + 1),
    n,
  );
  const mixed = numbers.map((x, i) => (i % 2 ? x / 10 : x / 100));
  const values = !decimal ? numbers : new Set(mixed).size === n ? mixed : numbers.map((x) => x / 10);
  const falling = [...values].sort((x, y) => y - x);
  const low = chance(rng, 0.5);
  const awkward = (decimal ? 1 : 0) + (!decimal && top > 99 ? 1 : 0);
  const key = (what: string) => `${what}|${values.join()}`;
  const list = series(rng, values);
  if (!decimal && top < 100 && chance(rng, 0.4)) return oldest(rng, values, low);
  const form = values.length > 2 ? rng.integer(4) : 0;
  if (form === 2) {
    const word = low ? 'second smallest' : 'second largest';
    const prompt = oneOf(rng, [
      `What is the ${word} number: ${list}?`,
      `Numbers: ${list}. Which is ${word}?`,
      `Find the ${word} of ${list}.`,
    ]);
    return { prompt, answer: String(falling.at(low ? -2 : 1)), load: { steps: 3, items: n, awkward }, key: key(word) };
  }
  if (form === 3 && !decimal) {
    const prompt = oneOf(rng, [
      `How far apart are the largest and the smallest of ${list}?`,
      `Largest minus smallest: ${list}.`,
      `What is the difference between the largest and the smallest number: ${list}?`,
    ]);
    return {
      prompt,
      answer: String(falling[0]! - falling.at(-1)!),
      load: { steps: 3, items: n, awkward: awkward + 1 },
      key: key('range'),
    };
  }
  const word =
    values.length === 2
      ? oneOf(rng, low ? ['smaller', 'less', 'lower'] : ['larger', 'greater', 'higher'])
      : oneOf(rng, low ? ['smallest', 'lowest'] : ['largest', 'highest']);
  const prompt =
    values.length === 2
      ? oneOf(rng, [
          `Which is ${word}, ${values[0]} or ${values[1]}?`,
          `${values[0]} or ${values[1]}: which is ${word}?`,
          `Between ${values[0]} and ${values[1]}, which number is ${word}?`,
        ])
      : oneOf(rng, [
          `Which number is the ${word}: ${list}?`,
          `Find the ${word} number: ${list}.`,
          `Out of ${list}, which is the ${word}?`,
        ]);
  return {
    prompt,
    answer: String(falling.at(low ? -1 : 0)),
    load: { steps: 1, items: n, awkward },
    key: key(word),
  };
};

function oldest(rng: Random, ages: readonly number[], youngest: boolean): ReturnType<Kind> {
  const names = sample(rng, NAMES, ages.length);
  const facts = names.map((name, i) => `${name} is ${ages[i]}`);
  const told = `${facts.slice(0, -1).join(', ')} and ${facts.at(-1)}`;
  const gap = ages.length > 2 && chance(rng, 0.4);
  const word = ages.length > 2 ? (youngest ? 'the youngest' : 'the oldest') : youngest ? 'younger' : 'older';
  const wanted = names[ages.indexOf(youngest ? Math.min(...ages) : Math.max(...ages))]!;
  if (gap) {
    const prompt = oneOf(rng, [
      `${told}. How many years are between the oldest and the youngest?`,
      `${told}. What is the age gap from youngest to oldest?`,
    ]);
    return {
      prompt,
      answer: String(Math.max(...ages) - Math.min(...ages)),
      load: { steps: 3, items: ages.length, awkward: 1 },
      key: facts.join(),
    };
  }
  const prompt = oneOf(rng, [
    `${told}. Who is ${word}?`,
    `Who is ${word}? ${told}.`,
    `${told} years old. Name the one who is ${word}.`,
  ]);
  return { prompt, answer: wanted, load: { steps: 2, items: ages.length }, key: word + facts.join() };
}
