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
import { readManifest, readStaged, writeStaged } from '../../src/curriculum/manifest.js';
import { stageRows } from '../../src/curriculum/stage.js';
import { ids, planOf, rowsOf } from './rows.js';

const rows = rowsOf(...Array.from({ length: 60 }, (_, i) => (i * 7) % 60));
const staging = stageRows(rows, planOf({ holdout: 0.1, seed: 2 }));

let home: string;
let out: string;
let input: { path: string; rows: number };
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
  out = join(home, 'staged');
  input = { path: join(home, 'scored.jsonl'), rows: rows.length };
  writeFileSync(input.path, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterEach(() => rmSync(home, { recursive: true }));

const refused = (work: Promise<unknown>, code: string, ...parts: string[]) =>
  expect(work).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(parts.map(escaped).join('.*'))),
  });
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const edit = (file: string, change: (text: string) => string) =>
  writeFileSync(join(out, file), change(readFileSync(join(out, file), 'utf8')));

describe('writeStaged and readStaged', () => {
  it('give back the rows, and the hash of the manifest', async () => {
    await writeStaged(out, staging, input);
    const set = await readStaged(out);
    expect(set.stages).toEqual(staging.stages.map(({ index, rows }) => ({ index, rows })));
    expect(set.holdout).toEqual(staging.stages.flatMap(({ heldOut }) => heldOut));
    expect(set.holdout.map(({ stage }) => stage)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(set.hash).toBe(sha256(readFileSync(join(out, 'manifest.json'))));
    expect(readdirSync(out).sort()).toEqual([
      'holdout.jsonl',
      'manifest.json',
      'stage-1.jsonl',
      'stage-2.jsonl',
      'stage-3.jsonl',
    ]);
    expect(readdirSync(home).sort()).toEqual(['scored.jsonl', 'staged']);
  });

  it('write a manifest that says how, from what, and what lies there', async () => {
    const manifest = await writeStaged(out, staging, input);
    expect(await readManifest(out)).toEqual(manifest);
    expect(manifest).toMatchObject({
      version: 1,
      input: { file: 'scored.jsonl', sha256: sha256(readFileSync(input.path)), rows: 60, withoutScore: 0 },
      options: { stages: 3, by: 'rows', thresholds: [], holdout: 0.1, unscored: 'refuse', seed: 2 },
      tokensCounted: 'estimate',
      cuts: [{ score: 20 }, { score: 40 }],
      holdout: { file: 'holdout.jsonl', rows: 6, sha256: sha256(readFileSync(join(out, 'holdout.jsonl'))) },
    });
    expect(manifest.stages[1]).toMatchObject({
      index: 2,
      file: 'stage-2.jsonl',
      rows: 18,
      heldOut: 2,
      scores: { min: 20, max: 39 },
    });
  });

  it('write the same bytes for the same input and options', async () => {
    await writeStaged(out, staging, input);
    const first = await readStaged(out);
    await writeStaged(out, stageRows(rows, planOf({ holdout: 0.1, seed: 2 })), input, { replace: true });
    expect((await readStaged(out)).hash).toBe(first.hash);
    await writeStaged(out, stageRows(rows, planOf({ holdout: 0.1, seed: 3 })), input, { replace: true });
    expect((await readStaged(out)).hash).not.toBe(first.hash);
  });

  it('replace a staged set only when told to, with no file of the old one left', async () => {
    await writeStaged(out, staging, input);
    const two = stageRows(rows, planOf({ stages: 2 }));
    await refused(writeStaged(out, two, input), 'usage', out, 'holds a staged set already', '--force');
    expect((await readStaged(out)).stages).toHaveLength(3);
    await writeStaged(out, two, input, { replace: true });
    expect(readdirSync(out).sort()).toEqual(['holdout.jsonl', 'manifest.json', 'stage-1.jsonl', 'stage-2.jsonl']);
  });

  it('never replace a folder with other things in it, nor a file', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'mine');
    await refused(writeStaged(out, staging, input, { replace: true }), 'usage', 'is not empty and not a staged folder');
    await writeStaged(join(home, 'two'), staging, input);
    writeFileSync(join(home, 'two', 'notes.txt'), 'mine');
    await refused(writeStaged(join(home, 'two'), staging, input, { replace: true }), 'usage', 'not a staged folder');
    expect(readFileSync(join(out, 'thesis.txt'), 'utf8')).toBe('mine');
    await refused(writeStaged(input.path, staging, input, { replace: true }), 'usage', 'is a file');
  });

  it('take an empty folder', async () => {
    mkdirSync(out);
    await writeStaged(out, staging, input);
    expect(existsSync(join(out, 'manifest.json'))).toBe(true);
  });
});

describe('readStaged refuses', () => {
  beforeEach(() => writeStaged(out, staging, input));

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
    await refused(readStaged(out), 'data', 'not a staged folder', 'phasetune stage');
    await refused(readStaged(join(home, 'nowhere')), 'data', 'not a staged folder');
  });

  it('a manifest of another version, a cut-off one and one with a wrong field', async () => {
    const whole = readFileSync(join(out, 'manifest.json'), 'utf8');
    edit('manifest.json', (text) => text.replace('"version": 1', '"version": 2'));
    await refused(readStaged(out), 'data', 'expected version 1, got 2');
    edit('manifest.json', () => whole.slice(0, 100));
    await refused(readStaged(out), 'data', 'manifest.json', 'not valid JSON');
    edit('manifest.json', () => whole.replace('"tokensCounted": "estimate"', '"tokensCounted": "guess"'));
    await refused(readStaged(out), 'data', 'manifest.json', 'tokensCounted');
  });

  it('an id that occurs twice', async () => {
    const twice = readFileSync(join(out, 'stage-1.jsonl'), 'utf8').split('\n')[0]!;
    edit('holdout.jsonl', (text) => `${text}${twice}\n`);
    const hash = sha256(readFileSync(join(out, 'holdout.jsonl')));
    const more = (_: string, before: string, rows: string) => `${before}${hash}",\n"rows": ${Number(rows) + 1}`;
    edit('manifest.json', (text) =>
      text.replace(/("file": "holdout.jsonl",\s+"sha256": ")\w+",\s+"rows": (\d+)/, more),
    );
    await refused(readStaged(out), 'data', `id ${JSON.stringify(ids(staging.stages[0]!.rows)[0])} occurs twice`);
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
    ['"version": 1', '"version": 1, "__proto__": {}', 'manifest.json: the key "__proto__" is not allowed'],
  ])('a manifest with %s turned into %s', async (from, to, message) => {
    const count = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).stages[0].rows;
    const told = (text: string) => text.replaceAll('16', String(count)).replaceAll('17', String(count + 1));
    edit('manifest.json', (text) => text.replace(told(from), told(to)));
    await refused(readStaged(out), 'data', told(message));
  });
});
