import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/folder.js';
import { lastJson, ROOT, startPhasetune } from './child.js';

const home = temporaryFolder('ablate');
const at = (...path: string[]) => join(home, ...path);
const phasetune = (...args: string[]) => startPhasetune(args).ended;

/** The least that is a study: two arms, one seed, a few steps. */
const STUDY = `
base: { model: ${ROOT}models/tiny-llama, maxLength: 64, precision: float32, compile: none }
data: { scored: ${at('scored.jsonl')}, stage: { stages: 2 }, holdout: 4 }
arms: { one-off: { order: one-off }, phased: {} }
control: one-off
seeds: 1
budget: 1000
`;

beforeAll(() => {
  const rows = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 120);
  writeFileSync(at('scored.jsonl'), rows.join('\n'));
  writeFileSync(at('study.yaml'), STUDY);
});

describe('phasetune ablate', () => {
  it('--dry-run prints what the study would take and find, and writes nothing', async () => {
    const { code, out, err } = await phasetune('ablate', at('study.yaml'), '--out', at('planned'), '--dry-run');
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(err).not.toContain('error');
    expect(out).toMatch(/^2 cells in 1 block; would be registered in .*planned\n1,000 trained tokens each; /);
    expect(out).toMatch(/\narm +cells +stages +steps +trained tokens\none-off +1 +1 /);
    expect(out).toMatch(/\ntime: {3}about .*\nmemory: .*\ndisk: {3}/);
    expect(out).toContain('there is no verdict with fewer than 3 seeds, and there is 1');
    expect(existsSync(at('planned'))).toBe(false);
  });

  it('runs a study; status, stop and retry speak of it; again it has nothing to do; --json is one line', async () => {
    const study = ['ablate', at('study.yaml'), '--out', at('done')];
    const first = await phasetune(...study);
    expect(first.code, first.err).toBe(0);
    expect(first.err).toMatch(/one-off-seed-1: begins, log: .*\n.*one-off-seed-1: done after .*; 1 of 2 cells/);
    expect(first.out).toMatch(/^1 arm against one-off, 1 block: held-out loss, nats per token, lower is better\n/);
    expect(first.out).toMatch(/\n {2}phased +1 .* incomplete\n/);
    const bytes = readFileSync(at('done/results.json'), 'utf8');

    const again = await phasetune(...study, '--json');
    expect({ code: again.code, begun: again.err.includes('begins') }).toEqual({ code: 0, begun: false });
    const { arms, comparisons, missing } = lastJson(again.out) as Record<string, Record<string, unknown>[]>;
    expect(arms).toMatchObject([
      { arm: 'one-off', n: 1 },
      { arm: 'phased', n: 1 },
    ]);
    expect(Object.keys(comparisons![0]!)).toEqual(
      expect.arrayContaining(['arm', 'control', 'difference', 'low', 'high', 'p', 'verdict']),
    );
    expect(comparisons).toMatchObject([{ arm: 'phased', control: 'one-off', n: 1, verdict: 'incomplete' }]);
    expect(missing).toEqual([]);
    expect(readFileSync(at('done/results.json'), 'utf8')).toBe(bytes);

    const status = await phasetune('ablate', 'status', at('done'), '--json');
    expect(lastJson(status.out)).toMatchObject({
      counts: { done: 2, failed: 0, waiting: 0 },
      blocks: { planned: 1, complete: 1 },
      coordinator: null,
      cells: [
        { id: 'one-off-seed-1', state: 'done' },
        { id: 'phased-seed-1', state: 'done' },
      ],
    });
    expect((await phasetune('ablate', 'status', at('done'))).out).toMatch(/\ncells: 2 done; blocks: 1 of 1 complete\n/);
    expect((await phasetune('ablate', 'stop', at('done'))).out).toBe(`${at('done')}: no process runs this study\n`);
    expect((await phasetune('ablate', 'retry', at('done'))).out).toBe(`${at('done')}: no cell has failed\n`);
    const refused = await phasetune('ablate', 'retry', at('done'), 'phased-seed-1');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('phased-seed-1 is done');
  });

  it('refuses an unknown key of the study file with file and line, and a folder that is no study', async () => {
    writeFileSync(at('wrong.yaml'), STUDY.replace('control:', 'contrl: x\ncontrol:'));
    const wrong = await phasetune('ablate', at('wrong.yaml'), '--out', at('wrong'));
    expect(wrong.code).toBe(2);
    expect(wrong.err).toMatch(/wrong\.yaml:5: contrl: .*control/);
    const none = await phasetune('ablate', 'status', at('nowhere'));
    expect(none.code).toBe(3);
    expect(none.err).toContain('not a study (no study.json in it)');
  });
});
