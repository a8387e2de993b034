import type { Random } from '../../src/core/random.js';
import { between, chance, type Kind, oneOf, sample } from './draft.js';
import { DAYS, MONTHS, NAMES, WORDS } from './words.js';

interface Sequence {
  readonly steps: number;
  /** Fewest items to show, so that every gap and continuation follows from the rest. */
  readonly least: number;
  /** The item at position i, from 0. */
  at(i: number): string | number;
}

/** Rules of a sequence; the steps say how many operations lead from what is shown to the next item. */
function sequence(rng: Random): Sequence {
  const start = between(rng, 1, 20);
  const d = oneOf(rng, [1, 2, 3, 4, 5, 10]);
  const rule = rng.integer(7);
  if (rule === 0) {
    const words = sample(
      rng,
      WORDS[oneOf(rng, ['colour', 'fruit', 'animal', 'bird', 'vehicle'] as const)],
      between(rng, 2, 3),
    );
    return { steps: words.length - 1, least: 2 * words.length, at: (i) => words[i % words.length]! };
  }
  if (rule === 1) return { steps: d === 1 || d === 10 ? 1 : 2, least: 4, at: (i) => start + d * i };
  if (rule === 2) return { steps: 2, least: 4, at: (i) => start + d * (9 - i) };
  if (rule === 3) {
    const skip = between(rng, 1, 3);
    const first = between(rng, 0, 5);
    return { steps: skip, least: 4, at: (i) => String.fromCharCode(65 + first + skip * i) };
  }
  if (rule === 4) return { steps: 2, least: 4, at: (i) => (1 + (start % 5)) * 2 ** i };
  if (rule === 5) return { steps: 3, least: 5, at: (i) => start + (i * (i + 1)) / 2 };
  const other = between(rng, 1, 20);
  return { steps: 4, least: 6, at: (i) => (i % 2 ? other + i - 1 : start + i) };
}

/** The next one or two items of a sequence, or the missing one. */
export const pattern: Kind = (rng) => {
  const { steps, least, at } = sequence(rng);
  const n = between(rng, least, 6);
  const shown = Array.from({ length: n }, (_, i) => at(i));
  const form = rng.integer(3);
  const key = `${form}|${shown.join()}`;
  if (form === 0) {
    const list = shown.join(', ');
    const prompt = oneOf(rng, [
      `What comes next: ${list}, ...?`,
      `${list}, ... Next?`,
      `Continue the pattern with one more item: ${list}`,
      `Which item follows in this series? ${list}`,
      `${oneOf(rng, NAMES)} writes ${list}. What will be written next?`,
      `Complete the pattern: ${list}, __`,
    ]);
    return { prompt, answer: String(at(n)), load: { steps, items: n - 2 }, key };
  }
  if (form === 1) {
    const list = shown.join(', ');
    const prompt = oneOf(rng, [
      `Give the next two items: ${list}, ...`,
      `${list}, ... What are the next two?`,
      `Continue with two more: ${list}`,
      `Which two come after ${list}?`,
    ]);
    return { prompt, answer: `${at(n)}, ${at(n + 1)}`, load: { steps: steps + 1, items: n - 2 }, key };
  }
  const gap = between(rng, 2, n - 2);
  const list = shown.map((item, i) => (i === gap ? '__' : item)).join(', ');
  const prompt = oneOf(rng, [
    `Fill the gap: ${list}.`,
    `What is missing here: ${list}?`,
    `${list}. Which item belongs in the blank?`,
    `Replace the blank: ${list}`,
  ]);
  return { prompt, answer: String(shown[gap]), load: { steps: steps + 1, items: n - 2 }, key: `${gap}${key}` };
};

const NUMBER_WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six'];

/** The day of the week or the month that lies some steps before or after another. */
export const calendar: Kind = (rng) => {
  const [cycle, one, many] = chance(rng, 0.65) ? [DAYS, 'day', 'days'] : [MONTHS, 'month', 'months'];
  const at = rng.integer(cycle.length);
  const moves = oneOf(rng, [1, 1, 1, 2, 3]);
  const shifts = Array.from(
    { length: moves },
    () => (chance(rng, 0.6) ? 1 : -1) * between(rng, 1, moves > 1 ? 4 : cycle.length * 2),
  );
  const total = shifts.reduce((sum, shift) => sum + shift, 0);
  const to = at + total;
  const wraps = to < 0 || to >= cycle.length ? 1 : 0;
  const far = shifts.some((shift) => Math.abs(shift) >= cycle.length) ? 1 : 0;
  const steps = moves + shifts.filter((shift) => Math.abs(shift) > 2).length + far;
  const answer = cycle[((to % cycle.length) + cycle.length) % cycle.length]!;
  const amount = (n: number) => {
    const number = chance(rng, 0.5) && n < NUMBER_WORDS.length ? NUMBER_WORDS[n] : n;
    return `${number} ${n === 1 ? one : many}`;
  };
  const phrase = (shift: number) => `${amount(Math.abs(shift))} ${shift > 0 ? 'after' : 'before'}`;
  const here = cycle[at]!;
  const start = one === 'day' ? `Today is ${here}.` : `It is ${here} now.`;
  const prompt =
    moves === 1
      ? oneOf(rng, [
          `What ${one} comes ${phrase(shifts[0]!)} ${here}?`,
          `Which ${one} is ${phrase(shifts[0]!)} ${here}?`,
          `${phrase(shifts[0]!)} ${here}?`,
          `${start} Which ${one} ${shifts[0]! > 0 ? `is it in ${amount(shifts[0]!)}` : `was it ${amount(-shifts[0]!)} ago`}?`,
          `Name the ${one} that is ${phrase(shifts[0]!)} ${here}.`,
        ])
      : oneOf(rng, [
          `Which ${one} is ${[...shifts]
            .reverse()
            .map((s, i) => (i ? `the ${one} ` : '') + phrase(s))
            .join(' ')} ${here}?`,
          `Start at ${here}. Go ${shifts.map((s) => `${amount(Math.abs(s))} ${s > 0 ? 'forward' : 'back'}`).join(', then ')}. Which ${one} is it?`,
          `${start} Move ${shifts.map((s) => `${Math.abs(s)} ${s > 0 ? 'ahead' : 'back'}`).join(', ')}. What ${one}?`,
        ]);
  return { prompt, answer, load: { steps, items: 1, awkward: wraps }, key: `${here}${shifts.join()}` };
};

const two = (n: number) => String(n).padStart(2, '0');

const ordinal = (n: number) =>
  `${n}${n % 10 === 1 && n !== 11 ? 'st' : n % 10 === 2 && n !== 12 ? 'nd' : n % 10 === 3 && n !== 13 ? 'rd' : 'th'}`;

const EVENTS = [
  'was born',
  'got the letter',
  'bought the house',
  'moved away',
  'won the race',
  'signed the form',
  'left school',
];

/** A date rewritten as year-month-day, sometimes after a shift of some days. */
export const date: Kind = (rng) => {
  const day = new Date(Date.UTC(between(rng, 1950, 2035), rng.integer(12), between(rng, 1, 28)));
  const [y, m, d] = [day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()];
  const [written, effort] = oneOf(rng, [
    [`${d} ${MONTHS[m]} ${y}`, 0],
    [`${MONTHS[m]} ${d}, ${y}`, 0],
    [`${d} ${MONTHS[m]!.slice(0, 3)} ${y}`, 0],
    [`the ${ordinal(d)} of ${MONTHS[m]} ${y}`, 1],
    [`${two(d)}/${two(m + 1)}/${y} (day first)`, 1],
    [`${two(m + 1)}/${two(d)}/${y} (month first)`, 1],
  ] as const);
  const shift = chance(rng, 0.45) ? oneOf(rng, [1, -1, 2, 3, 7, -7, 10]) : 0;
  const moved = new Date(day.getTime() + shift * 86_400_000);
  const crosses = moved.getUTCMonth() !== m ? 1 : 0;
  const load = {
    steps: 1 + effort + (shift ? (Math.abs(shift) === 1 ? 1 : 2) : 0),
    items: 1,
    awkward: crosses + (moved.getUTCFullYear() !== y ? 1 : 0),
  };
  const answer = moved.toISOString().slice(0, 10);
  const key = `${y}-${m}-${d} ${shift} ${effort}`;
  if (shift) return { prompt: shifted(rng, written, shift), answer, load, key };
  const name = oneOf(rng, NAMES);
  const [event, later] = sample(rng, EVENTS, 2);
  const told = chance(rng, 0.4);
  const extra = told && chance(rng, 0.6) ? 1 : 0;
  const aside = extra ? ` and ${later} in ${y + between(rng, 1, 9)}` : '';
  const prompt = told
    ? oneOf(rng, [
        `${name} ${event} on ${written}${aside}. When, as year-month-day, was it that ${name} ${event}?`,
        `${name} ${event} on ${written}${aside}. Give the full date as YYYY-MM-DD.`,
      ])
    : oneOf(rng, [
        `Write ${written} as YYYY-MM-DD.`,
        `${written} as year-month-day?`,
        `Rewrite this date as YYYY-MM-DD: ${written}.`,
        `Change ${written} to the form year-month-day.`,
        `Which date is ${written}? Use YYYY-MM-DD.`,
        `I need ${written} in the form YYYY-MM-DD.`,
      ]);
  return { prompt, answer, load: { ...load, steps: load.steps + (told ? 1 : 0), distractors: extra }, key };
};

function shifted(rng: Random, written: string, shift: number): string {
  const n = Math.abs(shift);
  const amount = n === 7 ? 'a week' : n === 1 ? 'one day' : `${n} days`;
  const way = shift > 0 ? 'after' : 'before';
  return oneOf(rng, [
    `Which date is ${amount} ${way} ${written}? Use YYYY-MM-DD.`,
    `What is the date ${amount} ${way} ${written}, as year-month-day?`,
    `Give the date ${amount} ${way} ${written} as YYYY-MM-DD.`,
    `${amount} ${way} ${written}, written as YYYY-MM-DD?`,
  ]);
}
