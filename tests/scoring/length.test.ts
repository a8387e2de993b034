import { expect, test } from 'vitest';
import { dataError } from '../../src/core/errors.js';
import { lengthScores } from '../../src/scoring/length.js';
import type { LengthOptions } from '../../src/scoring/length-options.js';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';

const say = (...texts: string[]) => ({
  id: texts[0]!,
  messages: texts.map((content, i) => ({ role: i % 2 === 0 ? ('user' as const) : ('assistant' as const), content })),
});
const ROWS = [say('Name three colours.', 'red, green, blue'), say('Hi', 'Hello!', '1+1?', '2')];
const WHOSE: readonly LengthOptions['lengthOf'][] = ['answer', 'instruction', 'both'];

const scoresOf = (tokenizer?: Tokenizer) =>
  Promise.all(WHOSE.map(async (lengthOf) => (await lengthScores(ROWS, { lengthOf }, tokenizer)).map((s) => s.score)));

test('tokens are the content, counted by the tokenizer, without what a template adds', async () => {
  const tokenizer = await loadTokenizer(TINY);
  const count = async (...texts: string[]) =>
    (await tokenizer.encodeBatch(texts)).reduce((n, { ids }) => n + ids.length, 0);
  const scores = await scoresOf(tokenizer);
  expect(scores).toEqual([
    [await count('red, green, blue'), await count('2')],
    [await count('Name three colours.'), await count('Hi', 'Hello!', '1+1?')],
    [await count('Name three colours.', 'red, green, blue'), await count('Hi', 'Hello!', '1+1?', '2')],
  ]);
});

test('without a tokenizer they are a quarter of the characters, at least one a word', async () => {
  const scores = await scoresOf();
  expect(scores).toEqual([
    [4, 1],
    [5, 1 + 2 + 1],
    [9, 5],
  ]);
});

test('rows come in their order, more than are counted at a time', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => say('?', 'so '.repeat(i + 1)));
  const scores = (await lengthScores(rows, { lengthOf: 'answer' }, await loadTokenizer(TINY))).map((s) => s.score);
  expect(scores).toEqual(scores.toSorted((x, y) => x - y));
  expect(new Set(scores).size).toBe(300);
});

test('a row whose text cannot be encoded is named', async () => {
  const tokenizer = await loadTokenizer(TINY);
  const deaf: Tokenizer = {
    ...tokenizer,
    async encodeBatch(inputs) {
      if (inputs.some((input) => typeof input !== 'string' && input.text === 'odd')) throw dataError('no token for it');
      return tokenizer.encodeBatch(inputs);
    },
  };
  await expect(lengthScores([...ROWS, say('fine', 'odd')], { lengthOf: 'answer' }, deaf)).rejects.toThrow(
    'row fine: no token for it',
  );
});
