import type { Random } from '../../src/core/random.js';
import { between, capital, chance, type Kind, oneOf, sample, series } from './draft.js';
import { GROUPS, type Group, NAMES, ORDINALS, WORDS } from './words.js';

const GROUP_NAMES = Object.keys(GROUPS) as Group[];

/** `n` different nouns, of one group or of all. */
function nouns(rng: Random, n: number): string[] {
  return chance(rng, 0.5)
    ? sample(rng, WORDS[oneOf(rng, GROUP_NAMES)], n)
    : sample(rng, Object.values(WORDS).flat(), n);
}

/** The n-th item of a list, from either end, beside another, or two of them. */
export const pick: Kind = (rng) => {
  const items = nouns(rng, between(rng, 3, 8));
  const list = series(rng, items);
  const n = items.length;
  const at = rng.integer(n);
  const key = (what: string) => `${what}|${items.join()}`;
  const form = rng.integer(5);
  if (form === 0) {
    const end = chance(rng, 0.5);
    const what = end ? 'last' : 'first';
    return {
      prompt: askFor(rng, what, '', list),
      answer: items.at(end ? -1 : 0)!,
      load: { steps: 1, items: n },
      key: key(what),
    };
  }
  if (form === 1) {
    const what = ORDINALS[at]!;
    return {
      prompt: askFor(rng, what, '', list),
      answer: items[at]!,
      load: { steps: 1, items: n, awkward: at > 3 ? 1 : 0 },
      key: key(what),
    };
  }
  if (form === 2) {
    const back = between(rng, 2, Math.min(4, n));
    const prompt = askFor(rng, ORDINALS[back - 1]!, ' from the end', list);
    return {
      prompt,
      answer: items.at(-back)!,
      load: { steps: 2, items: n, awkward: back > 2 ? 1 : 0 },
      key: key(`-${back}`),
    };
  }
  if (form === 3) {
    const after = at < n - 1 && (at === 0 || chance(rng, 0.5));
    const where = after ? 'after' : 'before';
    const prompt = oneOf(rng, [
      `Which item comes right ${where} ${items[at]} in this list: ${list}?`,
      `${capital(list)}. What is right ${where} ${items[at]}?`,
      `In the list ${list}, which word stands directly ${where} ${items[at]}?`,
      `Directly ${where} ${items[at]}, what is there? List: ${list}.`,
    ]);
    return {
      prompt,
      answer: items[at + (after ? 1 : -1)]!,
      load: { steps: 2, items: n, awkward: after ? 0 : 1 },
      key: key(where + at),
    };
  }
  const [a, b] = sample(
    rng,
    items.map((_, i) => i),
    2,
  ).sort((x, y) => x - y) as [number, number];
  const both = `${ORDINALS[a]} and ${ORDINALS[b]}`;
  const prompt = oneOf(rng, [
    `Give me the ${both} items of this list: ${list}.`,
    `What are the ${both} words here: ${list}?`,
    `${capital(list)}. Write down the ${both}.`,
    `Which items are ${both} in ${list}?`,
  ]);
  return {
    prompt,
    answer: `${items[a]}, ${items[b]}`,
    load: { steps: 3, items: n, awkward: b > 3 ? 1 : 0 },
    key: key(`${a} ${b}`),
  };
};

function askFor(rng: Random, what: string, tail: string, list: string): string {
  return oneOf(rng, [
    `What is the ${what} item${tail} in this list: ${list}?`,
    `${capital(list)}. Which one is the ${what}${tail}?`,
    `Name the ${what} word${tail}: ${list}.`,
    `From ${list}, give me the ${what} one${tail}.`,
    `List: ${list}. ${capital(what)} item${tail}?`,
    `${oneOf(rng, NAMES)} drew ${list}, in this order. What was the ${what}${tail}?`,
    `Here are some words: ${list}. I need the ${what} one${tail}.`,
  ]);
}

/** How many: all items, those of a group, or a sum or difference over two groups. */
export const count: Kind = (rng) => {
  const n = between(rng, 3, 8);
  const form = rng.integer(4);
  const ask = (question: string, list: string) =>
    oneOf(rng, [
      `${question} ${capital(list)}.`,
      `${capital(list)}. ${question}`,
      `List: ${list}. ${question}`,
      `Look at this: ${list}. ${question}`,
    ]);
  if (form === 0) {
    const items = nouns(rng, n);
    const question = oneOf(rng, [
      'How many items are there?',
      'How many words are in the list?',
      'Count the items.',
      'How many things are listed?',
    ]);
    return {
      prompt: ask(question, series(rng, items)),
      answer: String(n),
      load: { steps: 1, items: n },
      key: items.join(),
    };
  }
  const [a, b] = sample(rng, GROUP_NAMES, 2) as [Group, Group];
  const ofA = between(rng, 1, n - 1);
  const items = rng.shuffle([...sample(rng, WORDS[a], ofA), ...sample(rng, WORDS[b], n - ofA)]);
  const list = series(rng, items);
  if (form === 1) {
    const letter = oneOf(rng, items).charAt(0);
    const hits = items.filter((word) => word.startsWith(letter)).length;
    const question = oneOf(rng, [
      `How many words start with "${letter}"?`,
      `Count the words that begin with "${letter}".`,
    ]);
    return {
      prompt: ask(question, list),
      answer: String(hits),
      load: { steps: 2, items: n },
      key: letter + items.join(),
    };
  }
  const awkward = GROUPS[a].near === b || GROUPS[b].near === a ? 1 : 0;
  if (form === 2) {
    const many = GROUPS[a].many;
    const question = oneOf(rng, [
      `How many ${many} are there?`,
      `How many of these are ${many}?`,
      `Count only the ${many}.`,
      `Number of ${many}?`,
    ]);
    return {
      prompt: ask(question, list),
      answer: String(ofA),
      load: { steps: 2, items: n, awkward },
      key: a + items.join(),
    };
  }
  const [more, less] = ofA * 2 >= n ? [a, b] : [b, a];
  const question = oneOf(rng, [
    `How many more ${GROUPS[more].many} than ${GROUPS[less].many} are there?`,
    `By how many do the ${GROUPS[more].many} outnumber the ${GROUPS[less].many}?`,
  ]);
  return {
    prompt: ask(question, list),
    answer: String(Math.abs(n - 2 * ofA)),
    load: { steps: 4, items: n, awkward },
    key: `-${more}${items.join()}`,
  };
};

/** Puts words or numbers in order, sometimes backwards, sometimes only a part of them. */
export const sort: Kind = (rng) => {
  const n = between(rng, 2, 6);
  const backwards = chance(rng, 0.4);
  const partly = n > 2 && chance(rng, 0.35);
  const numeric = chance(rng, 0.45);
  const top = oneOf(rng, [9, 30, 99, 500]);
  const items = numeric
    ? sample(
        rng,
        Array.from({ length: top }, (_, i) => i + 1),
        n,
      )
    : nouns(rng, n);
  const sorted = [...items].sort((x, y) => (x < y ? -1 : 1));
  if (backwards) sorted.reverse();
  const answer = partly ? sorted.slice(0, 2) : sorted;
  const way = numeric
    ? backwards
      ? 'from largest to smallest'
      : 'from smallest to largest'
    : backwards
      ? 'in reverse alphabetical order'
      : 'in alphabetical order';
  const list = series(rng, items);
  const prompt = partly
    ? oneOf(rng, [
        `Put these ${way} and give only the first two: ${list}.`,
        `Which two come first if you sort this ${way}? ${capital(list)}.`,
        `${capital(list)}: sort ${way}, keep the first two.`,
      ])
    : oneOf(rng, [
        `Sort ${way}: ${list}.`,
        `Put these ${way}: ${list}.`,
        `Write ${list} ${way}.`,
        `${capital(list)}. Arrange them ${way}.`,
        `Order the list ${list} ${way}.`,
        `Could you put ${list} ${way}?`,
      ]);
  const initials = new Set(items.map((item) => String(item).charAt(0)));
  const awkward = numeric ? (top > 99 ? 1 : 0) : items.length - initials.size;
  const load = { steps: 1 + (backwards ? 1 : 0) + (partly ? 1 : 0), items: n, awkward };
  return { prompt, answer: answer.join(', '), load, key: `${way}${partly}${items.join()}` };
};

/** The one or two words of a list that belong to another group than the rest. */
export const odd: Kind = (rng) => {
  const n = between(rng, 3, 8);
  const strangers = n >= 5 && chance(rng, 0.6) ? 2 : 1;
  const main = oneOf(rng, GROUP_NAMES);
  const other = chance(rng, 0.4)
    ? GROUPS[main].near
    : oneOf(
        rng,
        GROUP_NAMES.filter((name) => name !== main),
      );
  const wrong = sample(rng, WORDS[other], strangers);
  const items = rng.shuffle([...sample(rng, WORDS[main], n - strangers), ...wrong]);
  const answer = items.filter((item) => wrong.includes(item));
  const list = series(rng, items);
  const many = GROUPS[main].many;
  const prompt =
    strangers === 1
      ? oneOf(rng, [
          `Which one does not belong: ${list}?`,
          `Find the odd one out: ${list}.`,
          `${capital(list)}. Odd one out?`,
          `One of these is not like the others: ${list}. Which?`,
          `${capital(list)}: which word does not fit?`,
          `All but one of these are ${many}: ${list}. Name the exception.`,
        ])
      : oneOf(rng, [
          `Which two do not belong: ${list}?`,
          `Find the two words that do not fit: ${list}.`,
          `${capital(list)}. Two of them are not ${many}. Which?`,
          `${capital(list)}: name the two that are not ${many}.`,
        ]);
  const awkward = GROUPS[main].near === other ? 1 : 0;
  return {
    prompt,
    answer: answer.join(', '),
    load: { steps: 2 * strangers - 1, items: n, awkward },
    key: items.join(),
  };
};
