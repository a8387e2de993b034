import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Guide, openGuide } from '../helpers/guide.js';
import { ROOT } from '../helpers/program.js';

let guide: Guide;
beforeAll(async () => {
  guide = await openGuide('studies.md');
  for (const folder of ['datasets/demo', 'docs/studies']) {
    await mkdir(guide.at(folder, '..'), { recursive: true });
    await symlink(join(ROOT, folder), guide.at(folder));
  }
});
afterAll(() => guide.close());

test('the study that docs/studies.md prints is docs/studies/tiny.yaml', async () => {
  const [, printed] = /^```yaml\n(base:.*?)^```$/ms.exec(await readFile(join(ROOT, 'docs/studies.md'), 'utf8'))!;
  expect(parse(printed!)).toEqual(parse(await readFile(join(ROOT, 'docs/studies/tiny.yaml'), 'utf8')));
});

/** Sixteen short runs, one after another, however busy the machine is. */
const PATIENCE_MS = 1_800_000;

test('every command of docs/studies.md does what the page says, in the page’s order', {
  timeout: PATIENCE_MS,
}, async () => {
  const { code, said } = await guide.shell(guide.blocks.join(''));
  expect(code, said).toBe(0);
  const { arms, comparisons, missing, warnings } = JSON.parse(
    await readFile(guide.at('studies/tiny/results.json'), 'utf8'),
  );
  expect(arms).toHaveLength(4);
  expect(comparisons.map(({ arm, n }: { arm: string; n: number }) => [arm, n])).toEqual([
    ['phased', 4],
    ['random', 4],
    ['reversed', 4],
  ]);
  for (const { verdict } of comparisons)
    expect(['better', 'worse', 'same within margin', 'not distinguishable']).toContain(verdict);
  expect(missing).toEqual([]);
  expect(warnings.join()).toContain('seed 4');
  // Done is done: neither continuing nor extending ran a cell again.
  expect(said.match(/one-off-seed-1: begins/g)).toHaveLength(1);
  for (const file of ['study.json', 'cells.jsonl', 'holdouts/split-1.jsonl', 'cells/phased-seed-2/attempts.jsonl'])
    expect(existsSync(guide.at('studies/tiny', file)), file).toBe(true);
  expect(existsSync(guide.at('studies/tiny/cells/phased-seed-2/run/stage-0/held-out.jsonl'))).toBe(true);
});
