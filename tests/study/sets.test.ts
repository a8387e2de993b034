import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readManifest, readStaged } from '../../src/curriculum/manifest.js';
import type { StudyEvent } from '../../src/study/events.js';
import { checkSets, makeSets } from '../../src/study/sets.js';
import type { StudySet } from '../../src/study/study-set.js';
import { temporaryFolder } from '../helpers/folder.js';

const ROWS = 200;
const OPTIONS = { holdout: 40 };

let home: string;
let study: string;
beforeEach(() => {
  home = temporaryFolder('study-sets');
  study = join(home, 'study');
});

interface Line {
  readonly id: string;
  readonly ask: string;
  readonly score: number | undefined;
}

/** Every tenth row asks what the row before it asks, so that it must be on the same side. */
const lines = (score: (i: number) => number | undefined = (i) => (i * 37) % ROWS): Line[] =>
  Array.from({ length: ROWS }, (_, i) => ({
    id: `row-${i}`,
    ask: `Question ${i % 10 === 9 ? i - 1 : i}?`,
    score: score(i),
  }));
const write = (name: string, rows: readonly Line[]): string => {
  const path = join(home, name);
  const text = rows.map(({ id, ask, score }) =>
    JSON.stringify({
      id,
      messages: [
        { role: 'user', content: ask },
        { role: 'assistant', content: `Answer of ${id}.` },
      ],
      score,
    }),
  );
  writeFileSync(path, `${text.join('\n')}\n`);
  return path;
};

const setOf = (rows: string, given: Partial<StudySet> = {}): StudySet => ({
  name: 'split-1',
  holdout: 'split-1',
  rows,
  scored: rows,
  split: 1,
  stage: { stages: 3 },
  ...given,
});
async function make(sets: readonly StudySet[], options = OPTIONS): Promise<StudyEvent[]> {
  const events: StudyEvent[] = [];
  for await (const event of makeSets(study, sets, options)) events.push(event);
  return events;
}
/** All files of the study with their bytes. */
const files = (folder = study): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]),
  );
const heldIn = async (name: string) => (await readStaged(join(study, 'staged', name))).holdout.map(({ id }) => id);
const drawn = (name = 'split-1'): { id: string; score: number }[] =>
  readFileSync(join(study, 'holdouts', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('makeSets', () => {
  it('holds the same rows out in the same order, whatever the cut and the scores', async () => {
    const rows = write('rows.jsonl', lines());
    const scored = write('other.jsonl', lines((i) => (i * 91 + 7) % ROWS).reverse());
    const sets = [
      setOf(rows),
      setOf(rows, { name: 'split-1-2-stages', stage: { stages: 2 } }),
      setOf(rows, { name: 'split-1-other', scored }),
    ];
    const events = await make(sets);
    expect(events.filter(({ type }) => type === 'prepare')).toEqual(
      [0, 1, 2, 3].map((done) => ({ type: 'prepare', doing: 'stage', done, of: 3 })),
    );
    const held = drawn().map(({ id }) => id);
    expect(held).toHaveLength(40);
    for (const { name } of sets) {
      expect(await heldIn(name)).toEqual(held);
      const { stages } = await readStaged(join(study, 'staged', name));
      expect(stages.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(ROWS - 40);
      const { holdoutFrom, options } = await readManifest(join(study, 'staged', name));
      expect(holdoutFrom).toMatchObject({ file: 'split-1.jsonl', rows: 40, leftOut: 0 });
      expect(options).not.toHaveProperty('holdout');
    }
    expect([...(await checkSets(study, sets)).keys()]).toEqual(sets.map(({ name }) => name));
  });

  it('draws a tenth of the hold-out from each tenth of the rows by score, and clusters whole', async () => {
    await make([setOf(write('rows.jsonl', lines()))]);
    const tenths = new Array(10).fill(0);
    for (const { score } of drawn()) tenths[Math.floor(score / 20)]++;
    // Pairs can leave a part one short, which is then filled from anywhere.
    for (const n of tenths) expect(Math.abs(n - 4)).toBeLessThanOrEqual(2);
    const held = new Set(drawn().map(({ id }) => id));
    for (let i = 9; i < ROWS; i += 10) expect(held.has(`row-${i}`)).toBe(held.has(`row-${i - 1}`));
  });

  it('draws other rows for another split, and the same for the same', async () => {
    const rows = write('rows.jsonl', lines());
    await make([setOf(rows), setOf(rows, { name: 'split-2', holdout: 'split-2', split: 2 })]);
    const first = files();
    expect(drawn('split-2')).not.toEqual(drawn());
    rmSync(study, { recursive: true });
    await make([setOf(rows, { name: 'split-2', holdout: 'split-2', split: 2 })]);
    for (const [name, text] of Object.entries(files())) expect(text, name).toBe(first[name]);
  });

  it('makes the same bytes after it was killed anywhere, and removes what is left over', async () => {
    const rows = write('rows.jsonl', lines());
    const sets = [setOf(rows), setOf(rows, { name: 'two', stage: { stages: 2 } })];
    await make(sets);
    const whole = files();
    for (const gone of ['staged/two', 'staged/split-1', 'staged', '.']) {
      rmSync(join(study, gone), { recursive: true });
      mkdirSync(join(study, 'staged/.two.0123456789ab.tmp'), { recursive: true });
      mkdirSync(join(study, 'holdouts'), { recursive: true });
      writeFileSync(join(study, 'holdouts/.split-1.jsonl.0123456789ab.tmp'), 'half');
      await make(sets);
      expect(files()).toEqual(whole);
      expect(readdirSync(join(study, 'staged'))).toEqual(['split-1', 'two']);
    }
  });

  it('refuses a study whose hold-out was removed', async () => {
    const sets = [setOf(write('rows.jsonl', lines()))];
    await make(sets);
    rmSync(join(study, 'holdouts'), { recursive: true });
    await expect(make(sets)).rejects.toMatchObject({ code: 'data', message: expect.stringContaining('split-1.jsonl') });
  });

  it('keeps what is there', async () => {
    const rows = write('rows.jsonl', lines());
    await make([setOf(rows)]);
    const events = await make([setOf(rows)]);
    expect(events).toEqual([{ type: 'prepare', doing: 'stage', done: 1, of: 1 }]);
  });

  it.each([
    ['a row of a stage', 'staged/split-1/stage-1.jsonl'],
    ['the rows held out of a set', 'staged/split-1/holdout.jsonl'],
    ['the hold-out', 'holdouts/split-1.jsonl'],
  ])('refuses a study in which %s was changed', async (_, file) => {
    const sets = [setOf(write('rows.jsonl', lines()))];
    await make(sets);
    appendFileSync(join(study, file), '\n');
    const refused = { code: 'data', message: expect.stringContaining(file) };
    await expect(checkSets(study, sets)).rejects.toMatchObject(refused);
    await expect(make(sets)).rejects.toMatchObject(refused);
  });

  it('makes a set again whose scores or options changed before the study is registered, and refuses it after', async () => {
    const sets = [setOf(write('rows.jsonl', lines()))];
    await make(sets);
    const before = files();
    write(
      'rows.jsonl',
      lines((i) => ROWS - ((i * 37) % ROWS)),
    );
    await make(sets);
    expect(files()).not.toEqual(before);
    const other = [setOf(sets[0]!.rows, { stage: { stages: 2 } })];
    await make(other);
    expect((await readManifest(join(study, 'staged/split-1'))).stages).toHaveLength(2);
    writeFileSync(join(study, 'study.json'), '{}');
    await expect(make(sets)).rejects.toMatchObject({ code: 'data', message: expect.stringContaining('other options') });
    write('rows.jsonl', lines());
    await expect(make(other)).rejects.toMatchObject({ message: expect.stringContaining('other contents of') });
  });

  it('keeps the hold-out of sets that are there when others are added, although the rows changed', async () => {
    const first = setOf(write('rows.jsonl', lines()));
    await make([first]);
    writeFileSync(join(study, 'study.json'), '{}');
    const before = files(join(study, 'holdouts'));
    write(
      'rows.jsonl',
      lines((i) => ROWS - ((i * 37) % ROWS)),
    );
    await make([setOf(first.rows, { name: 'two', stage: { stages: 2 } })]);
    expect(files(join(study, 'holdouts'))).toEqual(before);
    expect(await heldIn('two')).toEqual(await heldIn('split-1'));
  });

  it('refuses scores of other rows, with how many and the first', async () => {
    const rows = write('rows.jsonl', lines());
    const others = lines().slice(2);
    others[0] = { ...others[0]!, ask: 'Something else?' };
    others.push({ id: 'new', ask: 'New?', score: 1 });
    const scored = write('other.jsonl', others);
    await expect(make([setOf(rows, { scored })])).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('2 missing (row-0, row-1), 1 added (new), 1 with another text (row-2)'),
    });
    expect(existsSync(join(study, 'staged'))).toBe(false);
  });

  it('counts rows without a score as missing where they are dropped', async () => {
    const rows = write('rows.jsonl', lines());
    const scored = write(
      'other.jsonl',
      lines((i) => (i === 5 ? undefined : i)),
    );
    const sets = [setOf(rows, { scored })];
    await expect(make(sets, { ...OPTIONS, unscored: 'drop' } as typeof OPTIONS)).rejects.toMatchObject({
      message: expect.stringContaining('1 missing (row-5)'),
    });
  });

  it.each([
    [ROWS, 'the set has 200 rows; holding out 200 leaves none'],
    [0.9999, 'holding out 200 leaves none'],
    [12.5, 'expected a share below 1 or a whole number of rows'],
  ])('refuses a hold-out of %d of 200 rows', async (holdout, message) => {
    await expect(make([setOf(write('rows.jsonl', lines()))], { holdout })).rejects.toThrow(message);
  });
});
