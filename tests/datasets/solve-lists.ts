import { COMMON_OPPOSITES, GROUPS, type Group, UNCOMMON_OPPOSITES, WORDS } from '../../scripts/demo-data/words.js';

/** Answers an instruction of one kind from its words alone. */
export type Solver = (prompt: string) => string;

const groupOf = new Map(Object.entries(WORDS).flatMap(([group, words]) => words.map((word) => [word, group as Group])));

/** The longest run of items set apart by commas, slashes or "and", of which only those that `accept` takes. */
function listIn(prompt: string, accept: (item: string) => boolean): string[] {
  const runs = prompt.match(/[\w.]+(?:(?:, | \/ | and )[\w.]+)+/g) ?? [];
  const lists = runs.map((run) =>
    run
      .split(/, | \/ | and /)
      .map((item) => item.replace(/\.$/, '').toLowerCase())
      .filter(accept),
  );
  return lists.sort((x, y) => y.length - x.length)[0] ?? [];
}

const isNoun = (item: string) => groupOf.has(item);
const isNumber = (item: string) => /^\d+(\.\d+)?$/.test(item);

/** The numbers of the longest list. */
export const numbersIn = (prompt: string): number[] => listIn(prompt, isNumber).map(Number);

const PLACES = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];

const pick: Solver = (prompt) => {
  const list = listIn(prompt, isNoun);
  const beside = /(?:right|directly) (after|before) (\w+)/i.exec(prompt);
  if (beside) return list[list.indexOf(beside[2]!) + (beside[1] === 'after' ? 1 : -1)]!;
  const asked = prompt.toLowerCase().match(/\b(first|second|third|fourth|fifth|sixth|seventh|eighth|last)\b/g)!;
  const place = (word: string) => (word === 'last' ? list.length - 1 : PLACES.indexOf(word));
  const back = /from the end/.test(prompt);
  return asked.map((word) => list[back ? list.length - 1 - place(word) : place(word)]).join(', ');
};

const groupCalled = (many: string): Group =>
  (Object.keys(GROUPS) as Group[]).find((name) => GROUPS[name].many === many)!;
const MANY = '((?:pieces of |musical )?\\w+)';

const count: Solver = (prompt) => {
  const list = listIn(prompt, isNoun);
  const members = (many: string) => list.filter((item) => groupOf.get(item) === groupCalled(many)).length;
  const letter = /(?:start|begin) with "(\w)"/.exec(prompt)?.[1];
  if (letter) return String(list.filter((item) => item.startsWith(letter)).length);
  const two = new RegExp(
    `(?:how many more ${MANY} than ${MANY} are)|(?:how many do the ${MANY} outnumber the ${MANY}\\?)`,
    'i',
  ).exec(prompt);
  if (two) return String(members(two[1] ?? two[3]!) - members(two[2] ?? two[4]!));
  const one = [
    `of these are ${MANY}\\?`,
    `count only the ${MANY}\\.`,
    `number of ${MANY}\\?`,
    `how many ${MANY} are there`,
  ]
    .map((text) => new RegExp(text, 'i').exec(prompt)?.[1])
    .find((many) => many !== undefined && groupCalled(many) !== undefined);
  return String(one ? members(one) : list.length);
};

const sort: Solver = (prompt) => {
  const numeric = /largest/.test(prompt);
  const backwards = /reverse|largest to smallest/.test(prompt);
  const items = numeric ? numbersIn(prompt).sort((x, y) => x - y) : listIn(prompt, isNoun).sort();
  if (backwards) items.reverse();
  return items.slice(0, /first two|two come first/.test(prompt) ? 2 : items.length).join(', ');
};

const odd: Solver = (prompt) => {
  const list = listIn(prompt, isNoun);
  const size = (item: string) => list.filter((other) => groupOf.get(other) === groupOf.get(item)).length;
  const most = Math.max(...list.map(size));
  return list.filter((item) => size(item) < most).join(', ');
};

const contrary = new Map(
  [...COMMON_OPPOSITES, ...UNCOMMON_OPPOSITES].flatMap(
    ([x, y]) =>
      [
        [x, y],
        [y, x],
      ] as const,
  ),
);

/** The words that an instruction about words is on: the quoted one, or what stands behind "of" or the last colon. */
function wordsAsked(prompt: string): string[] {
  const quoted = /"(\w+)"/.exec(prompt);
  if (quoted) return [quoted[1]!];
  const listed =
    /: ([^?.:]+)[.?]|(?:opposites? of|forms of|past tense of|plural of|comparative of) ([^?.:]+)[.?]|^([^:]+): what/i.exec(
      prompt,
    );
  return (listed?.[1] ?? listed?.[2] ?? listed?.[3] ?? '').toLowerCase().split(/, | \/ | and /);
}

const opposite: Solver = (prompt) =>
  wordsAsked(prompt)
    .map((word) => contrary.get(word))
    .join(', ');

const PLURALS: Record<string, string> = {
  child: 'children',
  mouse: 'mice',
  foot: 'feet',
  tooth: 'teeth',
  man: 'men',
  woman: 'women',
  goose: 'geese',
  sheep: 'sheep',
  person: 'people',
  ox: 'oxen',
};
const PASTS: Record<string, string> = {
  go: 'went',
  see: 'saw',
  eat: 'ate',
  run: 'ran',
  write: 'wrote',
  take: 'took',
  give: 'gave',
  come: 'came',
  buy: 'bought',
  think: 'thought',
  drink: 'drank',
  sing: 'sang',
  swim: 'swam',
  speak: 'spoke',
  drive: 'drove',
  fly: 'flew',
  catch: 'caught',
  teach: 'taught',
  sleep: 'slept',
  find: 'found',
  know: 'knew',
  break: 'broke',
};
const COMPARATIVES: Record<string, string> = { good: 'better', bad: 'worse', far: 'farther' };

/** Spelling rules of English, with the words that follow none. */
function inflected(word: string, form: string): string {
  if (/plural/i.test(form)) {
    if (PLURALS[word]) return PLURALS[word];
    if (/(s|x|ch|sh|[^aeiou]o)$/.test(word)) return `${word}es`;
    if (/[^aeiou]y$/.test(word)) return word.replace(/y$/, 'ies');
    return /(ea|[^e]l|ni|sh?el)fe?$/.test(word) ? word.replace(/fe?$/, 'ves') : `${word}s`;
  }
  if (/past/i.test(form)) return PASTS[word] ?? `${word}ed`;
  if (COMPARATIVES[word]) return COMPARATIVES[word];
  if (/[^aeiou]y$/.test(word)) return word.replace(/y$/, 'ier');
  if (word.endsWith('e')) return `${word}r`;
  return /^[^aeiou]+[aeiou][bdgnt]$/.test(word) ? `${word}${word.at(-1)}er` : `${word}er`;
}

const inflect: Solver = (prompt) => {
  const form = /plural|past tense|comparative/i.exec(prompt)![0];
  return wordsAsked(prompt)
    .map((word) => inflected(word, form))
    .join(', ');
};

/** Solvers of the kinds about lists and words. */
export const LIST_SOLVERS: Readonly<Record<string, Solver>> = { pick, count, sort, odd, opposite, inflect };
