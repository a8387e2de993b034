import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readStaged } from '../../src/curriculum/manifest.js';
import type { TaskProgress } from '../../src/workflow/hooks.js';
import { stage } from '../../src/workflow/stage.js';
import type { StageOptions } from '../../src/workflow/stage-options.js';
import { ROOT } from '../cli/child.js';
import { temporaryFolder } from '../helpers/folder.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('workflow-stage');
});

const scoredFile = (rows = 30, score: (i: number) => number | undefined = (i) => i): string => {
  const path = join(folder, 'scored.jsonl');
  const row = (_: unknown, i: number) =>
    JSON.stringify({ prompt: `Ask ${i}?`, completion: `Answer ${i}.`, score: score(i) });
  writeFileSync(path, Array.from({ length: rows }, row).join('\n'));
  return path;
};
const options = (given: Partial<StageOptions> = {}): StageOptions => ({
  file: given.file ?? scoredFile(),
  out: join(folder, 'staged'),
  ...given,
});

describe('stage', () => {
  it('writes stages of equal rows with a hold-out, and returns what it wrote', async () => {
    const { out, manifest, staging, warnings } = await stage(options({ holdout: 0.2 }));
    expect(manifest.stages.map(({ rows, heldOut }) => rows + heldOut)).toEqual([10, 10, 10]);
    expect(staging.stages.map(({ scores }) => [scores.min, scores.max])).toEqual([
      [0, 9],
      [10, 19],
      [20, 29],
    ]);
    expect(warnings).toContainEqual(expect.stringContaining('stage 1 is tiny'));
    expect(readdirSync(out).sort()).toEqual([
      'histogram.svg',
      'holdout.jsonl',
      'manifest.json',
      'stage-1.jsonl',
      'stage-2.jsonl',
      'stage-3.jsonl',
    ]);
    const set = await readStaged(out);
    expect(set.holdout).toHaveLength(6);
    expect(set.stages.map(({ rows }) => rows.length)).toEqual([8, 8, 8]);
  });

  it('counts tokens by the tokenizer of a model folder', async () => {
    const { manifest } = await stage(options({ by: 'tokens', stages: 2, model: join(ROOT, 'models/tiny-llama') }));
    expect(manifest.lengths.counted).toBe('tokenizer');
    expect(manifest.stages).toHaveLength(2);
  });

  it('replaces its own folder only with force, and no other folder', async () => {
    await stage(options());
    await expect(stage(options({ seed: 1 }))).rejects.toMatchObject({ code: 'usage' });
    expect((await stage(options({ seed: 1, force: true }))).manifest.options.seed).toBe(1);
    await expect(stage(options({ out: folder, force: true }))).rejects.toMatchObject({ code: 'usage' });
  });

  it.each<[string, Partial<StageOptions>, object]>([
    [
      'an option that is unknown',
      { stagez: 3 } as object,
      { code: 'usage', message: expect.stringContaining('stages') },
    ],
    ['too few scores', { thresholds: [99] }, { code: 'data' }],
    ['options that contradict each other', { by: 'rows', thresholds: [3] }, { fields: { option: 'thresholds' } }],
  ])('refuses %s and writes nothing', async (_, given, expected) => {
    await expect(stage(options(given))).rejects.toMatchObject(expected);
    expect(existsSync(join(folder, 'staged'))).toBe(false);
  });

  it('refuses rows without a score unless they are dropped', async () => {
    const file = scoredFile(30, (i) => (i === 3 ? undefined : i));
    await expect(stage(options({ file }))).rejects.toMatchObject({ code: 'data', fields: { rows: 1 } });
  });

  it('reports how far it is, and stops where the signal is aborted', async () => {
    const reports: TaskProgress[] = [];
    const stop = new AbortController();
    const onProgress = (progress: TaskProgress) => {
      reports.push(progress);
      if (progress.label === 'writing') stop.abort(new Error('enough'));
    };
    const given = options({ file: scoredFile(50_000), nearDuplicates: 0 });
    await expect(stage(given, { onProgress, signal: stop.signal })).rejects.toThrow('enough');
    expect([...new Set(reports.map(({ label }) => label))]).toEqual(['reading', 'writing']);
    expect(reports.filter(({ ended }) => ended)).toHaveLength(2);
    expect(existsSync(given.out)).toBe(false);
  });
});
