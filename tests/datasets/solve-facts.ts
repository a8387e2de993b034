import type { Solver } from './solve-lists.js';

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const COUNTS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six'];

const countOf = (text: string) => (/\d/.test(text) ? Number(text) : COUNTS.indexOf(text.toLowerCase()));

const calendar: Solver = (prompt) => {
  const cycle = DAYS.some((day) => prompt.includes(day)) ? DAYS : MONTHS;
  const start = cycle.findIndex((name) => prompt.includes(name));
  const moves = [
    ...prompt.matchAll(
      /(\d+|one|two|three|four|five|six)(?: days?| months?)? (after|before|forward|back|ahead|ago)\b/gi,
    ),
  ];
  const later = /in (\d+|one|two|three|four|five|six) (?:day|month)/.exec(prompt);
  const total = moves.reduce(
    (sum, [, n, way]) => sum + countOf(n!) * (/before|back|ago/.test(way!) ? -1 : 1),
    later ? countOf(later[1]!) : 0,
  );
  const n = cycle.length;
  return cycle[(((start + total) % n) + n) % n]!;
};

const date: Solver = (prompt) => {
  const numeric = /(\d\d)\/(\d\d)\/(\d{4}) \((day|month) first\)/.exec(prompt);
  const named =
    /(\d+)(?:st|nd|rd|th)?(?: of)? ([A-Z][a-z]{2})[a-z]* (\d{4})/.exec(prompt) ??
    /(?<m>[A-Z][a-z]{2})[a-z]* (?<d>\d+), (?<y>\d{4})/.exec(prompt);
  const month = (text: string) => MONTHS.findIndex((name) => name.startsWith(text));
  const [year, m, day] = numeric
    ? [numeric[3], Number(numeric[numeric[4] === 'day' ? 2 : 1]) - 1, numeric[numeric[4] === 'day' ? 1 : 2]]
    : named!.groups
      ? [named!.groups.y, month(named!.groups.m!), named!.groups.d]
      : [named![3], month(named![2]!), named![1]];
  const shift = /(one|a|\d+) (days?|week) (after|before)/i.exec(prompt);
  const days = shift ? (shift[2] === 'week' ? 7 : shift[1]!.toLowerCase() === 'one' ? 1 : Number(shift[1])) : 0;
  const moved = new Date(Number(year), m, Number(day) + (shift?.[3] === 'before' ? -days : days), 12);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${moved.getFullYear()}-${two(moved.getMonth() + 1)}-${two(moved.getDate())}`;
};

interface Fact {
  readonly who: string;
  readonly did: string;
  readonly what: string;
  readonly where: string;
  readonly when: string;
}

const PAST: Readonly<Record<string, string>> = {
  buy: 'bought',
  lose: 'lost',
  find: 'found',
  sell: 'sold',
  see: 'saw',
  draw: 'drew',
  borrow: 'borrowed',
  fix: 'fixed',
  clean: 'cleaned',
  leave: 'left',
};

function factsIn(prompt: string): Fact[] {
  const place = '(?:in|at) (the \\w+|[A-Z]\\w+)';
  const shapes = [
    `(?<who>[A-Z]\\w+) (?<did>\\w+) an? (?<what>\\w+) ${place.replace('(the', '(?<where>the')} on (?<when>\\w+day)\\.`,
    `On (?<when>\\w+day), (?<who>\\w+) (?<did>\\w+) an? (?<what>\\w+) ${place.replace('(the', '(?<where>the')}\\.`,
    `${place.replace('(the', '(?<where>the').replace('in|at', 'In|At')}, (?<who>\\w+) (?<did>\\w+) an? (?<what>\\w+) on (?<when>\\w+day)\\.`,
  ];
  return shapes.flatMap((shape) =>
    [...prompt.matchAll(new RegExp(shape, 'gi'))].map(({ groups }) => groups as unknown as Fact),
  );
}

const extract: Solver = (prompt) => {
  const facts = factsIn(prompt);
  const same = (x: string, y: string) => x.toLowerCase() === y.toLowerCase();
  const two = /(who|what|where|when) and (who|what|where|when)/i.exec(prompt);
  if (two) {
    const who = /[Ff]or ([A-Z]\w+)/.exec(prompt)![1]!;
    const fact = facts.find((f) => f.who === who)!;
    return [two[1], two[2]].map((field) => fact[field!.toLowerCase() as keyof Fact]).join(', ');
  }
  const question = (/[^.!:]*\?/.exec(prompt) ?? [''])[0].trim();
  const rest = question.replace(/^(who|what|where|when|on which day|which day|which thing|in which place)\b/i, '');
  const fits = facts.filter((f) => {
    const done = /\ban (\w+)|\ba (\w+)/.exec(rest);
    const place = /(?:in|at) (the \w+|[A-Z]\w+)/.exec(rest);
    const named = /\b([A-Z]\w+)\b/.exec(rest.replace(/(?:in|at) [A-Z]\w+/, ''));
    const verb = Object.keys(PAST).find((base) => new RegExp(`\\b${base}\\b`).test(rest));
    return (
      (!named || f.who === named[1]) &&
      (!place || same(f.where, place[1]!)) &&
      (!done || f.what === (done[1] ?? done[2])) &&
      (!verb || f.did === PAST[verb])
    );
  });
  const field = /^who/i.test(question)
    ? 'who'
    : /^what|^which thing/i.test(question)
      ? 'what'
      : /^where|^in which/i.test(question)
        ? 'where'
        : 'when';
  return fits.length === 1 ? fits[0]![field] : `${fits.length} answers`;
};

/** What a key of the JSON asked for stands for in the text. */
const KEYS: Readonly<Record<string, RegExp>> = {
  name: /([A-Z]\w+) (?:is|lives|works|has|likes)/,
  person: /([A-Z]\w+) (?:is|lives|works|has|likes)/,
  age: /is (\d+) years old/,
  years: /is (\d+) years old/,
  city: /lives in (\w+)/,
  home: /lives in (\w+)/,
  job: /works as a (\w+)/,
  work: /works as a (\w+)/,
  pet: /has a (\w+)/,
  animal: /has a (\w+)/,
  colour: /likes (\w+)/,
  paint: /likes (\w+)/,
};

const json: Solver = (prompt) => {
  const asked = /the keys? ([a-z, ]+?)(?:[.:]|$)/.exec(prompt)![1]!.split(/, | and /);
  const pairs = asked.map((key) => {
    const value = KEYS[key]!.exec(prompt)![1]!;
    return `"${key}": ${/^\d+$/.test(value) ? value : `"${value}"`}`;
  });
  return `{${pairs.join(', ')}}`;
};

/** Solvers of the kinds about dates and facts. */
export const FACT_SOLVERS: Readonly<Record<string, Solver>> = { calendar, date, extract, json };
