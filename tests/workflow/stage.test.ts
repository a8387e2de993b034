import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readManifest, readStaged } from '../../src/curriculum/manifest.js';
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

  describe('with held-out rows that are given', () => {
    const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n');
    const given = (rows: readonly object[]): string => {
      const path = join(folder, 'held.jsonl');
      writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
      return path;
    };
    const record = (id: string, ask: string, answer = `Answer ${id}.`, score = 1) => ({
      id,
      messages: [
        { role: 'user', content: ask },
        { role: 'assistant', content: answer },
      ],
      score,
    });
    const records = Array.from({ length: 30 }, (_, i) => record(`r${i}`, `Ask ${i}?`, `Answer ${i}.`, i));
    const recordFile = (rows: readonly object[] = records): string => {
      const path = join(folder, 'records.jsonl');
      writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
      return path;
    };

    it('holds out those of another staged folder, whatever the cut and the seed', async () => {
      const first = await stage(options({ holdout: 3 }));
      const out = join(folder, 'other');
      const { manifest, warnings } = await stage(options({ out, stages: 2, seed: 5, holdoutFrom: first.out }));
      const [one, two] = [await readStaged(first.out), await readStaged(out)];
      expect(two.holdout.map(({ id }) => id)).toEqual(one.holdout.map(({ id }) => id));
      expect(two.holdout.map(({ stage }) => stage)).toEqual(two.holdout.map(({ score }) => (score! < 15 ? 1 : 2)));
      expect(two.stages.flatMap(({ rows }) => rows)).toHaveLength(21);
      expect(manifest).toEqual(await readManifest(out));
      expect(manifest.holdoutFrom).toEqual({
        file: 'holdout.jsonl',
        sha256: first.manifest.holdout.sha256,
        rows: 9,
        leftOut: 0,
      });
      expect(manifest.options).not.toHaveProperty('holdout');
      expect(warnings.filter((warning) => warning.includes('left out'))).toEqual([]);
    });

    it('holds out the rows of a file, in its order, and warns of a stage without any', async () => {
      const holdoutFrom = given([records[12]!, records[3]!]);
      const { warnings, out } = await stage(options({ file: recordFile(), holdoutFrom }));
      expect((await readStaged(out)).holdout.map(({ id, stage }) => [id, stage])).toEqual([
        ['r12', 2],
        ['r3', 1],
      ]);
      expect(lines(join(out, 'holdout.jsonl'))[0]).toBe(JSON.stringify({ ...records[12], stage: 2 }));
      expect(warnings).toContain('stage 3 has no held-out rows: none of those that were given falls into it');
    });

    it('leaves out rows that ask what a held-out row asks, and cuts the others', async () => {
      const copies = [record('c1', 'ask  3?', 'Other.', 99), record('c2', 'Ask 3?', 'Another.', 99)];
      const { manifest, staging, warnings, out } = await stage(
        options({ file: recordFile([...copies, ...records]), holdoutFrom: given([records[3]!]) }),
      );
      expect(manifest.holdoutFrom).toMatchObject({ rows: 1, leftOut: 2 });
      expect(warnings).toContain('2 rows were left out: equal to held-out rows, or nearly so');
      expect(staging.stages.map(({ rows, heldOut }) => rows + heldOut)).toEqual([10, 10, 10]);
      const { stages, holdout } = await readStaged(out);
      const all = [...stages.flatMap(({ rows }) => rows), ...holdout].map(({ id }) => id);
      expect(all.sort()).toEqual(records.map(({ id }) => id).sort());
    });

    it.each<[string, readonly object[], object]>([
      [
        'rows that are missing',
        [records[1]!, record('x', 'X?'), record('y', 'Y?')],
        {
          code: 'data',
          message: expect.stringContaining(
            '2 of 3 held-out rows of held.jsonl are missing in the set or have no score there: x, y',
          ),
        },
      ],
      [
        'a row with another text',
        [record('r1', 'Ask 1?', 'Changed.')],
        { code: 'data', message: expect.stringContaining('has another text in the set: r1') },
      ],
      [
        'all rows of a stage',
        records.slice(0, 10),
        { code: 'data', message: expect.stringContaining('stage 1 has 10 rows, all of them held out') },
      ],
    ])('refuses %s, and writes nothing', async (_, rows, expected) => {
      const work = stage(options({ file: recordFile(), holdoutFrom: given(rows) }));
      await expect(work).rejects.toMatchObject(expected);
      expect(existsSync(join(folder, 'staged'))).toBe(false);
    });

    it('refuses them beside `holdout`, in the folder that is replaced, and from what is no staged folder', async () => {
      const holdoutFrom = given([records[1]!]);
      await expect(stage(options({ holdout: 0.1, holdoutFrom }))).rejects.toMatchObject({
        code: 'usage',
        fields: { option: 'holdoutFrom' },
      });
      const { out } = await stage(options());
      await expect(stage(options({ holdoutFrom: out, force: true }))).rejects.toMatchObject({ code: 'usage' });
      await expect(stage(options({ out: join(folder, 'o'), holdoutFrom: folder }))).rejects.toMatchObject({
        code: 'data',
        message: expect.stringContaining('not a staged folder'),
      });
    });
  });
});
