import type { Random } from '../../src/core/random.js';
import { between, capital, chance, type Kind, oneOf, sample } from './draft.js';
import { CITIES, DAYS, NAMES, PLACES, WORDS } from './words.js';

const VERBS: readonly (readonly [past: string, base: string])[] = [
  ['bought', 'buy'],
  ['lost', 'lose'],
  ['found', 'find'],
  ['sold', 'sell'],
  ['saw', 'see'],
  ['drew', 'draw'],
  ['borrowed', 'borrow'],
  ['fixed', 'fix'],
  ['cleaned', 'clean'],
  ['left', 'leave'],
];

const THINGS = [...WORDS.instrument, ...WORDS.clothing, ...WORDS.tool, ...WORDS.vehicle].filter(
  (word) => word !== 'dress',
);

interface Happening {
  readonly who: string;
  readonly did: string;
  readonly base: string;
  readonly what: string;
  readonly where: string;
  readonly at: string;
  readonly when: string;
}

type Field = 'who' | 'what' | 'where' | 'when';

const withArticle = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** Happenings that differ in every field. */
function happenings(rng: Random, n: number): Happening[] {
  const who = sample(rng, NAMES, n);
  const verbs = sample(rng, VERBS, n);
  const what = sample(rng, THINGS, n);
  const places = sample(rng, [...CITIES.map((city) => ['in', city]), ...PLACES.map((place) => ['at', place])], n);
  const when = sample(rng, DAYS, n);
  return who.map((name, i) => ({
    who: name,
    did: verbs[i]![0],
    base: verbs[i]![1],
    what: what[i]!,
    at: places[i]![0]!,
    where: places[i]![1]!,
    when: when[i]!,
  }));
}

function tell(rng: Random, h: Happening): string {
  const what = withArticle(h.what);
  return oneOf(rng, [
    `${h.who} ${h.did} ${what} ${h.at} ${h.where} on ${h.when}.`,
    `On ${h.when}, ${h.who} ${h.did} ${what} ${h.at} ${h.where}.`,
    `${capital(h.at)} ${h.where}, ${h.who} ${h.did} ${what} on ${h.when}.`,
  ]);
}

/** A question for one field that names another field, so that it can be answered from several happenings too. */
function question(rng: Random, h: Happening, field: Field): string {
  const byName: Record<Field, readonly string[]> = {
    who: [`Who ${h.did} ${withArticle(h.what)}?`, `Who was ${h.at} ${h.where}?`],
    what: [`What did ${h.who} ${h.base}?`, `Which thing did ${h.who} ${h.base}?`],
    where: [`Where was ${h.who}?`, `Where did ${h.who} ${h.base} the ${h.what}?`, `In which place was ${h.who}?`],
    when: [
      `When was ${h.who} ${h.at} ${h.where}?`,
      `On which day did ${h.who} ${h.base} the ${h.what}?`,
      `Which day was it for ${h.who}?`,
    ],
  };
  return oneOf(rng, byName[field]);
}

/** Who, what, where or when out of a sentence or three; one field or two. */
export const extract: Kind = (rng) => {
  const n = oneOf(rng, [1, 1, 2, 2, 3]);
  const told = happenings(rng, n);
  const about = oneOf(rng, told);
  const [field, second] = sample<Field>(rng, ['who', 'what', 'where', 'when'], 2) as [Field, Field];
  const text = told.map((h) => tell(rng, h)).join(' ');
  const facts = told.map((h) => Object.values(h).join()).join('|');
  const value = (f: Field) => about[f];
  if (second !== 'who' && field !== 'who' && chance(rng, 0.45)) {
    const words: Record<Field, string> = { who: 'who', what: 'what', where: 'where', when: 'when' };
    const asked = oneOf(rng, [
      `${capital(words[field])} and ${words[second]} was it for ${about.who}?`,
      `For ${about.who}: ${words[field]} and ${words[second]}?`,
      `Tell me ${words[field]} and ${words[second]}, for ${about.who}.`,
    ]);
    return {
      prompt: `${text} ${asked}`,
      answer: `${value(field)}, ${value(second)}`,
      load: { steps: 3, items: n, distractors: 2 * (n - 1) },
      key: `${field}${second}${facts}`,
    };
  }
  const indirect = n > 1 && field !== 'who' && chance(rng, 0.4);
  const asked = indirect ? indirectly(rng, about, field) : question(rng, about, field);
  const prompt = !indirect && chance(rng, 0.2) ? `${asked} ${text}` : `${text} ${asked}`;
  return {
    prompt,
    answer: value(field),
    load: { steps: indirect ? 2 : 1, items: n, distractors: n - 1, awkward: indirect ? 1 : 0 },
    key: field + facts,
  };
};

function indirectly(rng: Random, h: Happening, field: Field): string {
  const person = field === 'where' ? `the one who ${h.did} ${withArticle(h.what)}` : `the person ${h.at} ${h.where}`;
  if (field === 'what') return `What did ${person} ${h.base}?`;
  if (field === 'where') return oneOf(rng, [`Where was ${person}?`, `In which place was ${person}?`]);
  return `On which day did ${person} ${h.base} something?`;
}

const JOBS = 'teacher nurse farmer baker pilot singer dentist painter driver waiter lawyer plumber'.split(' ');

interface Fact {
  readonly key: string;
  readonly renamed: string;
  readonly value: string | number;
  readonly text: string;
}

function profile(rng: Random): Fact[] {
  const name = oneOf(rng, NAMES);
  const age = between(rng, 6, 80);
  const city = oneOf(rng, CITIES);
  const job = oneOf(rng, JOBS);
  const pet = oneOf(rng, WORDS.animal);
  const colour = oneOf(rng, WORDS.colour);
  const rest: Fact[] = [
    { key: 'age', renamed: 'years', value: age, text: `is ${age} years old` },
    { key: 'city', renamed: 'home', value: city, text: `lives in ${city}` },
    { key: 'job', renamed: 'work', value: job, text: `works as a ${job}` },
    { key: 'pet', renamed: 'animal', value: pet, text: `has a ${pet}` },
    { key: 'colour', renamed: 'paint', value: colour, text: `likes ${colour}` },
  ];
  return [{ key: 'name', renamed: 'person', value: name, text: name }, ...rng.shuffle(rest)];
}

/** Facts about a person as a line of JSON with the keys asked for. */
export const json: Kind = (rng) => {
  const facts = profile(rng);
  const shown = facts.slice(0, between(rng, 2, 5));
  const asked = sample(rng, shown, between(rng, 1, Math.min(4, shown.length)));
  const rename = chance(rng, 0.3);
  const keyOf = (fact: Fact) => (rename ? fact.renamed : fact.key);
  const keys = asked.map(keyOf);
  const told = shown.slice(1).map(({ text }) => text);
  const text = `${shown[0]!.value} ${told.length > 1 ? `${told.slice(0, -1).join(', ')} and ${told.at(-1)}` : told[0]}.`;
  const named =
    keys.length === 1 ? `the key ${keys[0]}` : `the keys ${keys.slice(0, -1).join(', ')} and ${keys.at(-1)}`;
  const prompt = oneOf(rng, [
    `${text} Write this as JSON with ${named}.`,
    `Make JSON with ${named}: ${text}`,
    `Turn this into JSON, only ${named}: ${text}`,
    `${text} JSON, please, with ${named}.`,
    `From "${text}" make a JSON object with ${named}.`,
  ]);
  const answer = `{${asked.map((fact) => `"${keyOf(fact)}": ${JSON.stringify(fact.value)}`).join(', ')}}`;
  const load = {
    steps: asked.length,
    items: shown.length,
    distractors: shown.slice(1).filter((fact) => !asked.includes(fact)).length,
    awkward: rename ? 1 : 0,
  };
  return { prompt, answer, load, key: `${keys.join()}|${text}` };
};
