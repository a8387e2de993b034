import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import { estimatedLengths, type Measure } from '../../src/curriculum/lengths.js';
import { readManifest, readStaged } from '../../src/curriculum/manifest.js';
import { resolveStaging } from '../../src/curriculum/staging-options.js';
import { type StagingInput, type StagingSettings, stageInto } from '../../src/curriculum/write.js';
import { streamRows } from '../../src/data/import.js';
import { importOptionsSchema } from '../../src/data/options.js';
import type { InstructionRecord } from '../../src/data/record.js';
import { ids, planOf, row, rowsOf } from './rows.js';

const rows = rowsOf(...Array.from({ length: 60 }, (_, i) => (i * 7) % 60));
const plan = planOf({ holdout: 0.1, seed: 2 });

let home: string;
let out: string;
let input: StagingInput;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
  out = join(home, 'staged');
  input = { path: join(home, 'scored.jsonl'), import: importOptionsSchema.parse({}) };
  writeFileSync(input.path, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Stages the rows, by the plan unless another is given. */
const write = (folder = out, given = plan, settings: StagingSettings = {}, of: readonly InstructionRecord[] = rows) =>
  stageInto(folder, of, given, input, settings);
const refused = (work: Promise<unknown>, code: string, ...parts: string[]) =>
  expect(work).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(parts.map(escaped).join('.*'))),
  });
const byId = (x: { id: string }, y: { id: string }) => (x.id < y.id ? -1 : 1);
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const edit = (file: string, change: (text: string) => string) =>
  writeFileSync(join(out, file), change(readFileSync(join(out, file), 'utf8')));

describe('stageInto', () => {
  it('gives back every row in its order with its stage and nothing else changed, and the hash of the manifest', async () => {
    const { staging } = await write();
    const set = await readStaged(out);
    const of = (stage: number, side: 0 | 1) =>
      rows
        .filter((_, i) => staging.stageOf[i] === stage && staging.held[i] === side)
        .map((record) => ({ ...record, stage: stage + 1 }));
    expect(set.stages).toEqual([0, 1, 2].map((stage) => ({ index: stage + 1, rows: of(stage, 0) })));
    const held = rows.flatMap((record, i) => (staging.held[i] ? { ...record, stage: staging.stageOf[i]! + 1 } : []));
    expect(set.holdout).toEqual(held);
    expect([1, 2, 3].map((stage) => held.filter((record) => record.stage === stage).length)).toEqual([2, 2, 2]);
    expect(set.hash).toBe(sha256(readFileSync(join(out, 'manifest.json'))));
    const names = ['holdout.jsonl', 'manifest.json', 'stage-1.jsonl', 'stage-2.jsonl', 'stage-3.jsonl'];
    expect(readdirSync(out).sort()).toEqual(names);
    expect(readdirSync(home).sort()).toEqual(['scored.jsonl', 'staged']);
  });

  it('keeps what a row has besides, every character, and puts its new stage in place of an old one', async () => {
    const odd = rows.map((record, i) => ({
      ...record,
      messages: [
        { role: 'user' as const, content: `"${i}" \\ \u2028 \ud83d\ude00 }` },
        { role: 'assistant' as const, content: '}' },
      ],
      stage: 6,
      meta: { nested: { list: [1, '}'] } },
    }));
    await write(out, plan, {}, odd);
    const set = await readStaged(out);
    const back = [...set.stages.flatMap((stage) => stage.rows), ...set.holdout];
    expect(back.map(({ stage: _, ...record }) => record).sort(byId)).toEqual(
      odd.map(({ stage: _, ...record }) => record).sort(byId),
    );
    for (const { stage, score } of back) expect(stage).toBe(1 + Math.floor(score! / 20));
  });

  it('writes a manifest that says how, from what, and what lies there', async () => {
    const { manifest } = await write();
    expect(await readManifest(out)).toEqual(manifest);
    expect(manifest).toMatchObject({
      version: 2,
      input: {
        file: 'scored.jsonl',
        sha256: sha256(readFileSync(input.path)),
        rows: 60,
        withoutScore: 0,
        import: { format: 'auto', badRows: 'refuse' },
      },
      options: { stages: 3, by: 'rows', ties: 'split', holdout: 0.1, nearDuplicates: 0.8, unscored: 'refuse', seed: 2 },
      lengths: { counted: 'estimate' },
      cuts: [{ score: 20 }, { score: 40 }],
      duplicates: {
        shingleWords: 3,
        bands: 21,
        bandRows: 6,
        exact: 0,
        near: 0,
        clusters: 0,
        largest: 1,
        uncompared: 0,
      },
      holdout: { file: 'holdout.jsonl', rows: 6, sha256: sha256(readFileSync(join(out, 'holdout.jsonl'))) },
    });
    expect(manifest.stages[1]).toMatchObject({
      index: 2,
      file: 'stage-2.jsonl',
      sha256: sha256(readFileSync(join(out, 'stage-2.jsonl'))),
      rows: 18,
      heldOut: 2,
      scores: { min: 20, max: 39 },
    });
  });

  it.each([
    { by: 'rows' },
    { by: 'tokens', ties: 'together' },
    { by: 'jenks', stages: 4 },
    { by: 'length', minShare: 0.2 },
    { by: 'thresholds', thresholds: [12.5, 31], unscored: 'drop', nearDuplicates: 0 },
  ] as const)('makes the same bytes again from its input and what the manifest says: %j', async (given) => {
    const files = () =>
      Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')]));
    await write(out, planOf({ ...plan, ...given } as Partial<typeof plan>), {
      draw: ({ cuts }) => JSON.stringify(cuts),
    });
    const first = files();
    const { options, input: made } = await readManifest(out);
    const again = streamRows(join(home, made.file), made.import).rows;
    await stageInto(
      out,
      again,
      resolveStaging(options),
      { ...input, import: made.import },
      {
        replace: true,
        draw: ({ cuts }) => JSON.stringify(cuts),
      },
    );
    expect(files()).toEqual(first);
    await write(out, planOf({ ...plan, ...given, seed: 3 } as Partial<typeof plan>), { replace: true });
    expect(files()['holdout.jsonl']).not.toBe(first['holdout.jsonl']);
  });

  it('tells whose tokens were counted', async () => {
    const measure: Measure = {
      ...estimatedLengths,
      counted: 'tokenizer',
      tokenizer: { 'tokenizer.json': sha256('x') },
    };
    const { manifest } = await write(out, plan, { measure });
    expect(manifest.lengths).toEqual({ counted: 'tokenizer', tokenizer: { 'tokenizer.json': sha256('x') } });
  });

  it('refuses an empty set, and a score that is no number', async () => {
    await refused(write(out, plan, {}, []), 'data', 'the set is empty');
    await refused(
      write(out, plan, {}, [...rows, row('x', Number.NaN)]),
      'data',
      'row x: expected a number as score, got NaN',
    );
    expect(readdirSync(home)).toEqual(['scored.jsonl']);
  });

  it('refuses rows without a score by name and leaves nothing behind, or drops them and says so', async () => {
    const some = [...rows, row('a'), row('b')];
    await refused(write(out, plan, {}, some), 'data', '2 of 62 rows have no score (a, b)');
    const more = [...some, row('c'), row('d'), row('e'), row('f')];
    await refused(write(out, plan, {}, more), 'data', '(a, b, c, d, e, ...)');
    expect(readdirSync(home)).toEqual(['scored.jsonl']);
    const { manifest, warnings } = await write(out, planOf({ unscored: 'drop' }), {}, some);
    expect(manifest.input).toMatchObject({ rows: 62, withoutScore: 2 });
    const set = await readStaged(out);
    expect(ids(set.stages.flatMap((stage) => stage.rows)).sort()).toEqual(ids(rows).sort());
    expect(warnings[0]).toBe('2 rows without a score were left out');
  });

  it('stops and leaves nothing behind when it is interrupted', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(write(out, plan, { signal })).rejects.toThrow('enough');
    expect(readdirSync(home)).toEqual(['scored.jsonl']);
  });

  it('replaces a staged set only when told to, with no file of the old one left', async () => {
    await write(out, plan, { draw: () => '<svg/>' });
    const two = planOf({ stages: 2 });
    await refused(write(out, two), 'usage', out, 'already holds a staged set', '`force`');
    expect((await readStaged(out)).stages).toHaveLength(3);
    await write(out, two, { replace: true });
    expect(readdirSync(out).sort()).toEqual(['holdout.jsonl', 'manifest.json', 'stage-1.jsonl', 'stage-2.jsonl']);
  });

  it('never replaces a folder with other things in it, nor a file', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'mine');
    const replace = { replace: true };
    await refused(write(out, plan, replace), 'usage', 'is not empty and not a staged folder');
    await write(join(home, 'two'));
    writeFileSync(join(home, 'two', 'notes.txt'), 'mine');
    await refused(write(join(home, 'two'), plan, replace), 'usage', 'not a staged folder');
    expect(readFileSync(join(out, 'thesis.txt'), 'utf8')).toBe('mine');
    await refused(write(input.path, plan, replace), 'usage', 'is a file');
  });

  it('takes an empty folder', async () => {
    mkdirSync(out);
    await write();
    expect(existsSync(join(out, 'manifest.json'))).toBe(true);
  });
});

describe('a set of version 1', () => {
  /** As the first version of the manifest was. */
  const old = (manifest: Awaited<ReturnType<typeof readManifest>>) => ({
    schema: manifest.schema,
    version: 1,
    input: { file: 'scored.jsonl', sha256: manifest.input.sha256, rows: 60, withoutScore: 0 },
    options: { stages: 3, by: 'rows', thresholds: [], holdout: 0.1, unscored: 'refuse', seed: 2 },
    tokensCounted: 'estimate',
    cuts: manifest.cuts,
    stages: manifest.stages.map(({ lengths: _, ...stage }) => stage),
    holdout: manifest.holdout,
  });

  it('can still be trained on, but not be staged again from its manifest', async () => {
    const { manifest } = await write();
    const { hash: _, ...set } = await readStaged(out);
    edit('manifest.json', () => JSON.stringify(old(manifest)));
    expect(await readStaged(out)).toMatchObject(set);
    await refused(readManifest(out), 'data', 'manifest.json: version 1', 'run `stage` again');
    edit('stage-1.jsonl', (text) => text.replace('Answer', 'answer'));
    await refused(readStaged(out), 'data', 'stage-1.jsonl: changed since it was staged');
  });
});

describe('readStaged refuses', () => {
  beforeEach(async () => {
    await write();
  });

  it('a stage file that was changed', async () => {
    edit('stage-2.jsonl', (text) => text.replace('Answer', 'answer'));
    await refused(readStaged(out), 'data', 'stage-2.jsonl: changed since it was staged');
  });

  it('a held-out file with a row more', async () => {
    appendFileSync(join(out, 'holdout.jsonl'), `${JSON.stringify(rows[0])}\n`);
    await refused(readStaged(out), 'data', 'holdout.jsonl: changed since it was staged');
  });

  it('a missing stage file', async () => {
    renameSync(join(out, 'stage-3.jsonl'), join(home, 'elsewhere'));
    await refused(readStaged(out), 'data', 'stage-3.jsonl', 'no such file');
  });

  it('a folder without a manifest, and a path that is none', async () => {
    rmSync(join(out, 'manifest.json'));
    await refused(readStaged(out), 'data', 'not a staged folder', 'run `stage` to make one');
    await refused(readStaged(join(home, 'nowhere')), 'data', 'not a staged folder');
  });

  it('a manifest of another version, a cut-off one and one with a wrong field', async () => {
    const whole = readFileSync(join(out, 'manifest.json'), 'utf8');
    edit('manifest.json', (text) => text.replace('"version": 2', '"version": 3'));
    await refused(readStaged(out), 'data', 'expected version 1 or 2, got 3');
    edit('manifest.json', () => whole.slice(0, 100));
    await refused(readStaged(out), 'data', 'manifest.json', 'not valid JSON');
    edit('manifest.json', () => whole.replace('"counted": "estimate"', '"counted": "guess"'));
    await refused(readStaged(out), 'data', 'manifest.json', 'lengths.counted');
  });

  it('an id that occurs twice', async () => {
    const twice = readFileSync(join(out, 'stage-1.jsonl'), 'utf8').split('\n')[0]!;
    edit('holdout.jsonl', (text) => `${text}${twice}\n`);
    const hash = sha256(readFileSync(join(out, 'holdout.jsonl')));
    const more = (_: string, before: string, rows: string) => `${before}${hash}",\n"rows": ${Number(rows) + 1}`;
    edit('manifest.json', (text) =>
      text.replace(/("file": "holdout.jsonl",\s+"sha256": ")\w+",\s+"rows": (\d+)/, more),
    );
    await refused(readStaged(out), 'data', `id ${JSON.stringify(JSON.parse(twice).id)} occurs twice`);
  });

  it.each([
    '../scored.jsonl',
    '/etc/passwd',
    'x/stage-1.jsonl',
    'stage-1.jsonl/../stage-1.jsonl',
    'stage-1.jsonl\\u0000',
    '',
  ])('a manifest that names the file %j', async (file) => {
    edit('manifest.json', (text) => text.replace('"file": "stage-1.jsonl"', `"file": "${file}"`));
    await refused(
      readStaged(out),
      'data',
      'manifest.json: field stages.0.file: expected the name stage-N.jsonl or holdout.jsonl',
    );
  });

  it('a stage file that is a link out of the folder', async () => {
    renameSync(join(out, 'stage-1.jsonl'), join(home, 'elsewhere.jsonl'));
    symlinkSync('../elsewhere.jsonl', join(out, 'stage-1.jsonl'));
    await refused(readStaged(out), 'data', 'stage-1.jsonl is a link out of its folder');
  });

  it.each([
    ['"rows": 16', '"rows": 17', 'stage-1.jsonl: expected 17 rows as manifest.json says, found 16'],
    ['"rows": 16', '"rows": 1e300', 'manifest.json: field stages.0.rows'],
    ['"rows": 16', '"rows": -1', 'manifest.json: field stages.0.rows'],
    ['"index": 1', '"index": 2', 'manifest.json: field stages: expected the stages 1, 2, 3 and on in their order'],
    ['"stages": 3', '"stages": 1e9', 'manifest.json: field options.stages'],
    ['"version": 2', '"version": 2, "__proto__": {}', 'manifest.json: the key "__proto__" is not allowed'],
  ])('a manifest with %s turned into %s', async (from, to, message) => {
    const count = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).stages[0].rows;
    const told = (text: string) => text.replaceAll('16', String(count)).replaceAll('17', String(count + 1));
    edit('manifest.json', (text) => text.replace(told(from), told(to)));
    await refused(readStaged(out), 'data', told(message));
  });
});

it('scores whose sum, or whose ten-thousandths, are more than a number holds have a mean that can be read back', async () => {
  const large = rowsOf(1e305, 2e305, 3e305, 1.7e308, 1.75e308, 1.75e308);
  await write(out, planOf({ stages: 2 }), {}, large);
  const { stages } = await readManifest(out);
  expect(stages[0]!.scores.mean / 2e305).toBeCloseTo(1, 12);
  // Large means are kept to four digits.
  expect(Math.abs(stages[1]!.scores.mean / 1.7333333333333e308 - 1)).toBeLessThan(5e-4);
});
