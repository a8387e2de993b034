import { numbersIn, type Solver } from './solve-lists.js';

const sum: Solver = (prompt) => {
  const plain = /(\d+)((?: (?:\+|-|plus|minus) \d+)+)/.exec(prompt);
  if (plain) {
    const terms = [...plain[2]!.matchAll(/(\+|-|plus|minus) (\d+)/g)];
    return String(
      terms.reduce((total, [, sign, n]) => total + (/\+|plus/.test(sign!) ? 1 : -1) * Number(n), Number(plain[1])),
    );
  }
  const start = /(?:has|starts with|There are) (\d+)/i.exec(prompt)!;
  const gains = [...prompt.matchAll(/(?:gets|finds|wins|is given|buys another) (\d+)/g)];
  const losses = [...prompt.matchAll(/(?:loses|gives away|sells|hands|drops) (\d+)/g)];
  const total = (list: RegExpMatchArray[]) => list.reduce((all, [, n]) => all + Number(n), 0);
  return String(Number(start[1]) + total(gains) - total(losses));
};

/** Each unit by its names: its short name, its size in the smallest unit of its kind. */
const UNITS: Readonly<Record<string, readonly [short: string, size: number]>> = {
  kilometres: ['km', 1e6],
  km: ['km', 1e6],
  metres: ['m', 1e3],
  m: ['m', 1e3],
  centimetres: ['cm', 10],
  cm: ['cm', 10],
  millimetres: ['mm', 1],
  mm: ['mm', 1],
  kilograms: ['kg', 1e3],
  kg: ['kg', 1e3],
  grams: ['g', 1],
  g: ['g', 1],
  litres: ['l', 1e3],
  l: ['l', 1e3],
  millilitres: ['ml', 1],
  ml: ['ml', 1],
  days: ['d', 86400],
  d: ['d', 86400],
  hours: ['h', 3600],
  h: ['h', 3600],
  minutes: ['min', 60],
  min: ['min', 60],
  seconds: ['s', 1],
  s: ['s', 1],
};

const convert: Solver = (prompt) => {
  const amounts = [...prompt.matchAll(/(\d+(?:\.\d+)?) ([a-z]+)/g)].map(([, n, unit]) => Number(n) * UNITS[unit!]![1]);
  const target = /(?:\bin|\binto|\bto|How many) (?!what)([a-z]+)\b(?![^.?]*\bin (?!what)[a-z]+\?)/i.exec(prompt)![1]!;
  const [short, size] = UNITS[target]!;
  const taken = /minus|taken from|away from|and used/.test(prompt);
  const total = taken ? Math.abs(amounts[0]! - amounts[1]!) : amounts.reduce((all, x) => all + x, 0);
  return `${total / size} ${short}`;
};

const compare: Solver = (prompt) => {
  const ages = [...prompt.matchAll(/([A-Z][a-z]+) is (\d+)/g)].map(([, name, age]) => ({ name, age: Number(age) }));
  const least = /smalle|lowe|less|youngest|younger/.test(prompt);
  if (ages.length > 0) {
    const rising = ages.sort((x, y) => x.age - y.age);
    if (/How many years|gap/.test(prompt)) return String(rising.at(-1)!.age - rising[0]!.age);
    return rising.at(least ? 0 : -1)!.name!;
  }
  const two = /([\d.]+) (?:or|and) ([\d.]*\d)(?!.*\d)/.exec(prompt);
  const listed = numbersIn(prompt);
  const rising = (two && listed.length < 3 ? [Number(two[1]), Number(two[2])] : listed).sort((x, y) => x - y);
  if (/far apart|minus|difference/.test(prompt)) return String(rising.at(-1)! - rising[0]!);
  const at = /second/.test(prompt) ? 1 : 0;
  return String(rising.at(least ? at : -1 - at));
};

type Items = readonly (number | undefined)[];

/**
 * Rules of sequences, simplest first: each gives the item at a place from what is shown, or
 * undefined when it does not fit.
 */
const RULES: readonly ((shown: Items) => ((i: number) => number) | undefined)[] = [
  (shown) => coefficients(shown, (a, b) => (i) => a + b * i),
  (shown) => coefficients(shown, (a, b) => (i) => a * 2 ** i + 0 * b),
  (shown) => coefficients(shown, (a, b) => (i) => a + b * i + (i * (i - 1)) / 2),
  (shown) => interleaved(shown),
];

/** Tries every pair of small whole coefficients. */
function coefficients(shown: Items, rule: (a: number, b: number) => (i: number) => number) {
  for (let a = -20; a <= 120; a++)
    for (let b = -30; b <= 30; b++) {
      const at = rule(a, b);
      if (shown.every((x, i) => x === undefined || x === at(i))) return at;
    }
  return undefined;
}

function interleaved(shown: Items): ((i: number) => number) | undefined {
  const half = (odd: number) =>
    coefficients(
      shown.filter((_, i) => i % 2 === odd),
      (a, b) => (i) => a + b * i,
    );
  const [even, odd] = [half(0), half(1)];
  return even && odd && ((i) => (i % 2 ? odd((i - 1) / 2) : even(i / 2)));
}

const pattern: Solver = (prompt) => {
  const shown = /(?:__|\w+)(?:, (?:__|\w+)){3,}/
    .exec(prompt)![0]
    .split(', ')
    .map((item) => item.toLowerCase());
  const gap = shown.indexOf('__');
  const wanted = gap === shown.length - 1 || gap < 0 ? [gap < 0 ? shown.length : gap] : [gap];
  if (/next two|two more|two come/.test(prompt)) wanted.push(shown.length + 1);
  const known = gap === shown.length - 1 ? shown.slice(0, -1) : shown;
  if (known.some((item) => item.length > 1 && Number.isNaN(Number(item)) && item !== '__')) {
    const period = [2, 3].find((p) =>
      known.every((x, i) => x === '__' || known.every((y, j) => (j - i) % p !== 0 || y === '__' || x === y)),
    )!;
    return wanted.map((i) => known.find((x, j) => x !== '__' && (j - i) % period === 0)).join(', ');
  }
  const letters = /[a-z]/.test(known[0]!);
  const values = known.map((x) => (x === '__' ? undefined : letters ? x.charCodeAt(0) : Number(x)));
  const at = RULES.map((rule) => rule(values)).find((found) => found !== undefined)!;
  return wanted.map((i) => (letters ? String.fromCharCode(at(i)).toUpperCase() : String(at(i)))).join(', ');
};

/** Solvers of the kinds about numbers. */
export const NUMBER_SOLVERS: Readonly<Record<string, Solver>> = { sum, convert, compare, pattern };
