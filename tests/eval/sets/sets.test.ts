import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importFile } from '../../../src/data/import.js';
import { chooseRows } from '../../../src/eval/sets/choose-rows.js';
import type { EvalSet } from '../../../src/eval/sets/read-set.js';
import { readSets } from '../../../src/eval/sets/read-set.js';
import { temporaryFolder } from '../../helpers/folder.js';

const home = temporaryFolder('sets');

async function file(name: string, rows: readonly object[]): Promise<string> {
  const path = join(home, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

const read = (paths: readonly string[], more: Partial<Parameters<typeof readSets>[1]> = {}) =>
  readSets(paths, { badRows: 'refuse', ...more });

const user = (content: string) => ({ role: 'user', content });

describe('rows of a set', () => {
  test('an answer is the reference, and a row needs none; score, band and meta are kept', async () => {
    const path = await file('mixed.jsonl', [
      { instruction: 'Name a river.', input: '', output: 'The Rhine.', score: 2, kind: 'fact' },
      { instruction: 'Name a lake.' },
      { instruction: 'Name a sea.', input: 'In Europe', output: '  ' },
    ]);
    const [set] = await read([path]);
    expect(set).toMatchObject({ name: 'mixed', path, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(set!.rows).toEqual([
      {
        set: 'mixed',
        id: expect.any(String),
        messages: [user('Name a river.')],
        reference: 'The Rhine.',
        score: 2,
        meta: { kind: 'fact' },
      },
      { set: 'mixed', id: expect.any(String), messages: [user('Name a lake.')] },
      { set: 'mixed', id: expect.any(String), messages: [user('Name a sea.\nIn Europe')] },
    ]);
  });

  test.each([
    ['messages', { messages: [user('Hi')] }],
    ['sharegpt', { conversations: [{ from: 'human', value: 'Hi' }] }],
    ['records', { id: 'r', messages: [user('Hi')], stage: 2, meta: {} }],
    ['prompt and completion', { prompt: 'Hi' }],
    ['phasedsft', { id: 1, data: ['Hi'] }],
  ])('an instruction alone is read in the format %s, and refused where rows are for training', async (name, row) => {
    const path = await file(`alone ${name}.jsonl`, [row]);
    const [set] = await read([path]);
    expect(set!.rows.map(({ messages, reference }) => ({ messages, reference }))).toEqual([
      { messages: [user('Hi')], reference: undefined },
    ]);
    const reading = importFile(path, { format: 'auto', badRows: 'refuse' });
    await expect(reading).rejects.toThrow(/without an answer|expected the field completion/);
  });

  test('a row without an instruction is refused', async () => {
    const path = await file('nothing.jsonl', [{ instruction: ' ' }]);
    await expect(read([path])).rejects.toThrow(/nothing\.jsonl:1: row without an instruction/);
  });
});

describe('names of sets', () => {
  const rows = [{ instruction: 'Hi' }];

  test('a second set of a name has the name of its folder before it, and a third is refused', async () => {
    const paths = [await file('a/koala.jsonl', rows), await file('b/koala.json', rows)];
    expect((await read(paths)).map(({ name }) => name)).toEqual(['koala', 'b-koala']);
    const third = await file('c/b/koala.jsonl', rows);
    await expect(read([...paths, third])).rejects.toThrow(/koala\.jsonl have the same name; rename one of them/);
    await expect(read([paths[0]!, paths[0]!])).rejects.toThrow(/is named twice/);
  });

  test('a set that was named before keeps its name, wherever it stands now', async () => {
    const paths = [await file('a/koala.jsonl', rows), await file('b/koala.json', rows)];
    const known = await read(paths);
    expect((await read(paths.toReversed(), { known })).map(({ name }) => name)).toEqual(['b-koala', 'koala']);
  });

  test('a staged folder is its held-out rows, by its own name; another folder is refused', async () => {
    await file('staged/mine/holdout.jsonl', [{ id: 'h', messages: [user('Hi')], stage: 3 }]);
    const [set] = await read([join(home, 'staged/mine')]);
    expect(set).toMatchObject({ name: 'mine', rows: [{ id: 'h', set: 'mine', band: 3 }] });
    await expect(read([join(home, 'staged')])).rejects.toThrow(/no holdout\.jsonl in it/);
    await expect(read([join(home, 'missing.jsonl')])).rejects.toThrow(/cannot read .*missing\.jsonl/);
  });
});

describe('choosing rows', () => {
  /** A set with so many rows in each band. */
  const setOf = (name: string, ...bands: readonly number[]): EvalSet => ({
    name,
    path: name,
    sha256: '',
    rows: bands.flatMap((count, band) =>
      Array.from({ length: count }, (_, i) => ({ set: name, id: `${band}-${i}`, messages: [], band: band + 1 })),
    ),
  });
  const sets = [setOf('a', 40, 20, 4), setOf('b', 30, 6)];
  const ids = (rows: number | undefined, seed = 0) =>
    chooseRows(sets, rows, seed).flatMap(({ chosen }) => chosen.map(({ set, id }) => `${set}/${id}`));

  test('as many as are asked for, from every set and band in proportion, in the order of the files', () => {
    for (const rows of [1, 7, 25, 50, 99, 100]) expect(ids(rows)).toHaveLength(rows);
    const counts = chooseRows(sets, 50, 1).map(({ chosen }) =>
      [1, 2, 3].map((band) => chosen.filter((row) => row.band === band).length),
    );
    expect(counts).toEqual([
      [20, 10, 2],
      [15, 3, 0],
    ]);
    const [first] = chooseRows(sets, 50, 1);
    expect(first!.chosen).toEqual(first!.rows.filter((row) => first!.chosen.includes(row)));
    expect(ids(undefined)).toHaveLength(100);
    expect(ids(1000)).toHaveLength(100);
  });

  test('fewer rows are among more rows of the same seed, and another seed draws others', () => {
    for (let rows = 1; rows < 100; rows++) {
      const more = new Set(ids(rows + 1));
      expect(ids(rows).every((id) => more.has(id))).toBe(true);
    }
    expect(ids(50, 1)).not.toEqual(ids(50, 2));
    expect(ids(50, 1)).toEqual(ids(50, 1));
  });

  test('a set that is added takes no row from the others if as many are asked for besides', () => {
    const before = ids(30);
    const added = chooseRows([...sets, setOf('c', 50)], 60, 0).flatMap(({ chosen }) =>
      chosen.map(({ set, id }) => `${set}/${id}`),
    );
    expect(before.filter((id) => !added.includes(id))).toEqual([]);
  });
});
