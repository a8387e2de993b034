import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endIdWarnings } from '../../src/tokenizer/end-ids.js';
import { readModelEndIds } from '../../src/tokenizer/special-tokens.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-ends-'));
});
afterEach(() => rm(folder, { recursive: true }));

type EndIds = number | number[] | null | undefined;

test.each<[what: string, generation: EndIds | 'no file', config: EndIds | 'no file', expected: number[]]>([
  ['generation_config.json over config.json', 2, 5, [2]],
  ['a list of them', [2, 7], 5, [2, 7]],
  ['config.json where there is no other file', 'no file', 5, [5]],
  ['config.json where the other names none', undefined, [5, 6], [5, 6]],
  ['config.json where the other has null', null, 5, [5]],
  ['config.json where the other has an empty list', [], 5, [5]],
  ['none where neither has one', undefined, null, []],
  ['none where neither is there', 'no file', 'no file', []],
])('the ids that end an answer are those of %s', async (_what, generation, config, expected) => {
  const write = (name: string, ids: EndIds | 'no file') =>
    ids === 'no file' ? undefined : writeFile(join(folder, name), JSON.stringify({ eos_token_id: ids }));
  await write('generation_config.json', generation);
  await write('config.json', config);
  expect(await readModelEndIds(folder)).toEqual(expected);
});

test('an end id that is an ordinary token, or none, is warned of', async () => {
  const tokenizer = await loadTokenizer(TINY);
  expect(await endIdWarnings(tokenizer)).toEqual([]);
  const [ordinary] = await tokenizer.encode('#');
  const endIds = new Set([...tokenizer.endIds, ordinary!, tokenizer.vocabSize + 5]);
  expect(await endIdWarnings({ ...tokenizer, endIds })).toEqual([
    expect.stringMatching(new RegExp(`eos_token_id ${ordinary} is "#", an ordinary token`)),
    expect.stringMatching(/eos_token_id \d+ is not a token of the tokenizer/),
  ]);
});
