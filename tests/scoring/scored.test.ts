import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import type { InstructionRecord } from '../../src/data/record.js';
import {
  checkScoredOut,
  type RowScore,
  readScoresManifest,
  type Unscored,
  writeScored,
} from '../../src/scoring/scored.js';

const home = mkdtempSync(join(tmpdir(), 'scored-'));
afterAll(() => rmSync(home, { recursive: true }));

let [n, folder, input, out] = [0, '', '', ''];
beforeEach(() => {
  folder = join(home, String(n++));
  mkdirSync(folder);
  [input, out] = [join(folder, 'rows.jsonl'), join(folder, 'scored.jsonl')];
  writeFileSync(input, 'the rows\n');
});

const messages: InstructionRecord['messages'] = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
];
const records: InstructionRecord[] = [
  { id: 'a', messages, score: 9, stage: 3, meta: { source: 'x' } },
  { id: 'b', messages, score: 9 },
  { id: 'c', messages },
];
const outcomes: (RowScore | Unscored)[] = [
  { score: 2, details: { mass: 0.5 } },
  { kind: 'timeout', reason: 'no whole reply in 120 s' },
  { score: 4 },
];
const write = (given = outcomes, path = input, hash?: string) =>
  writeScored(out, {
    input: { path, ...(hash && { sha256: hash }) },
    records,
    outcomeOf: (_, index) => given[index]!,
    scorer: 'openai',
    options: { model: 'judge', apiKey: 'sk-0123456789abcdefghij' },
  });
const rows = () =>
  readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a file of scored rows', () => {
  it('has every row in order, new scores for old ones, and the reason where there is none', async () => {
    await write();
    expect(rows()).toEqual([
      { id: 'a', messages, score: 2, meta: { source: 'x', score: { scorer: 'openai', mass: 0.5 } } },
      { id: 'b', messages, meta: { score: { scorer: 'openai', failure: 'no whole reply in 120 s' } } },
      { id: 'c', messages, score: 4, meta: { score: { scorer: 'openai' } } },
    ]);
  });

  it('has a manifest that can be read where scores scatter over more than a number holds', async () => {
    await write([{ score: -1.7e308 }, { score: 1 }, { score: 1.7e308 }]);
    const { scores } = (await readScoresManifest(out))!;
    expect(scores).toMatchObject({ min: -1.7e308, max: 1.7e308 });
    expect(scores!.deviation / (1.7e308 * Math.sqrt(2 / 3))).toBeCloseTo(1, 8);
    expect(readFileSync(out.replace('.jsonl', '.manifest.json'), 'utf8')).not.toContain('null');
  });

  it('has a manifest with hashes, counts and every row left out, and no secret', async () => {
    await write();
    expect(await readScoresManifest(out)).toEqual({
      schema: 'phasetune/scores',
      version: 1,
      input: { file: 'rows.jsonl', sha256: sha256('the rows\n'), rows: 3 },
      output: { file: 'scored.jsonl', sha256: sha256(readFileSync(out)), rows: 3 },
      scorer: 'openai',
      options: { model: 'judge', apiKey: '[hidden]' },
      counts: { rows: 3, scored: 2, unscored: 1 },
      scores: { min: 2, max: 4, mean: 3, deviation: 1 },
      reasons: { timeout: 1 },
      failures: [{ id: 'b', kind: 'timeout', reason: 'no whole reply in 120 s' }],
    });
  });

  it('that was changed after, or is of another version, is refused; without a manifest there is none', async () => {
    await write();
    writeFileSync(out, `${readFileSync(out, 'utf8')}\n`);
    await expect(readScoresManifest(out)).rejects.toThrow(/was changed after/);
    const manifest = join(folder, 'scored.manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"version": 1', '"version": 2'));
    await expect(readScoresManifest(out)).rejects.toThrow(/expected version 1, got 2/);
    expect(await readScoresManifest(input)).toBeUndefined();
  });

  it('stays as it was when the new one cannot be written whole', async () => {
    await write();
    const before = [out, join(folder, 'scored.manifest.json')].map((path) => readFileSync(path, 'utf8'));
    await expect(write([{ score: Number.NaN }, ...outcomes.slice(1)])).rejects.toThrow(
      /row a: expected a finite score/,
    );
    await expect(write(outcomes, input, sha256('other rows'))).rejects.toThrow(
      /was changed while its rows were scored/,
    );
    expect([out, join(folder, 'scored.manifest.json')].map((path) => readFileSync(path, 'utf8'))).toEqual(before);
    expect(await readScoresManifest(out)).toBeDefined();
  });

  it('is not put where it must not be', async () => {
    await expect(checkScoredOut(input, [input])).rejects.toThrow(/is the file that is read/);
    await expect(checkScoredOut(folder, [input])).rejects.toThrow(/is a folder/);
    await expect(checkScoredOut(`${out}.gz`, [input])).rejects.toThrow(/leave out \.gz/);
    await expect(checkScoredOut('/dev/null', [input])).rejects.toThrow(/is a pipe or a device/);
    writeFileSync(out, 'mine');
    await expect(checkScoredOut(out, [input])).rejects.toThrow(/was not made by scoring/);
    await checkScoredOut(out, [input], true);
    await write();
    await checkScoredOut(out, [input]);
    expect(existsSync(join(folder, 'scored.manifest.json'))).toBe(true);
  });
});
