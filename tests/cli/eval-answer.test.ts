import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/folder.js';
import { phasetune } from './in-process.js';

let home: string;
const at = (...path: string[]) => join(home, ...path);

/** Two sets, and two files of answers to both: no model is needed. */
beforeAll(async () => {
  home = temporaryFolder('cli-eval');
  const rows = (set: string) =>
    [1, 2, 3].map((n) => ({ instruction: `Question ${n} of ${set}?`, output: `Right ${n}` }));
  for (const set of ['koala', 'vicuna']) await writeFile(at(`${set}.json`), JSON.stringify(rows(set)));
  const asked = ['koala', 'vicuna'].flatMap(rows);
  for (const arm of ['one', 'two'])
    await writeFile(
      at(`${arm}.json`),
      JSON.stringify(
        asked.map(({ instruction, output }) => ({ instruction, output: arm === 'one' ? output : ` ${arm} ` })),
      ),
    );
});

const ARMS = () => [`one=${at('one.json')}`, `two=${at('two.json')}`];
const answer = (...args: string[]) => phasetune('eval', 'answer', ...args);

describe('phasetune eval answer', () => {
  test('takes all files after --sets, as a shell expands a pattern, and prints one line of JSON', async () => {
    const sets = [at('koala.json'), at('vicuna.json')];
    const { code, out, err } = await answer(...ARMS(), '--sets', ...sets, '--out', at('all'), '--json');
    expect({ code, err }).toMatchObject({ code: 0 });
    const result = JSON.parse(out);
    expect(result).toMatchObject({ out: at('all'), baseline: 'one', generated: 0 });
    expect(result.sets.map(({ name }: { name: string }) => name)).toEqual(['koala', 'vicuna']);
    expect(result.arms.two).toMatchObject({ answers: 6, empty: 0, cut: 0 });
    const lines = (await readFile(at('all/answers/one/vicuna.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).checks.exactMatch)).toEqual([true, true, true]);
  });

  test('takes the flag before the arms too, and repeated', async () => {
    const repeated = ['--sets', at('koala.json'), `--sets=${at('vicuna.json')}`];
    const { code, out } = await answer(...repeated, '--out', at('repeated'), ...ARMS());
    // All words up to the next flag belong to a list: here the arms come after --out DIR.
    expect(code).toBe(0);
    expect(out).toMatch(
      /^arm +answers +mean tokens +empty +cut +loops +loss on references\none +6 +0 % +0 % +0 %\ntwo/,
    );
    expect(out).toContain(`written to ${at('repeated')}`);
  });

  test('--dry-run prints what would be done and writes nothing', async () => {
    const { code, out } = await answer(
      ...ARMS(),
      '--sets',
      at('koala.json'),
      '--out',
      at('dry'),
      '--rows',
      '2',
      '--dry-run',
    );
    expect({ code, out }).toEqual({
      code: 0,
      out: 'one, two; baseline one; rows: koala 2 of 3\n0 answers to generate\n',
    });
    await expect(readFile(at('dry/eval.json'))).rejects.toThrow(/ENOENT/);
  });

  test.each([
    [[], 2, /expected at least two arms|<arms>/],
    [['one=x', 'two=y', '--baseline', 'three'], 2, /--baseline: expected one of one, two/],
    [['one', 'two=y'], 2, /"one": expected NAME=SOURCE/],
    [['one=missing', 'two=missing'], 3, /arm one: there is no missing/],
  ])('%j ends with %i and says why', async (arms, status, why) => {
    const { code, err } = await answer(...arms, '--sets', at('koala.json'), '--out', at('wrong'));
    expect({ code, err }).toEqual({ code: status, err: expect.stringMatching(why) });
  });

  test('other options for the same folder are refused in the words of the command line', async () => {
    await answer(...ARMS(), '--sets', at('koala.json'), '--out', at('twice'));
    const { code, err } = await answer(
      ...ARMS(),
      '--sets',
      at('koala.json'),
      '--out',
      at('twice'),
      '--max-tokens',
      '9',
    );
    expect(code).toBe(2);
    expect(err).toMatch(
      /maxTokens was 256, is 9; set --out to another folder, or set --force to continue all the same/,
    );
  });
});
