import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Guide, openGuide } from '../helpers/guide.js';
import { problemsOf, readJob } from '../helpers/kubernetes.js';
import { PROGRAM, ROOT } from '../helpers/program.js';

/** Two short runs, however busy the machine is. */
const PATIENCE_MS = 900_000;

let guide: Guide;
afterEach(() => guide?.close());

/** A page whose `/data` is the folder of the test, with programs that stand in for those of a cluster. */
async function openPage(page: string, standIns: readonly string[]) {
  guide = await openGuide(`clusters/${page}`);
  for (const folder of ['datasets/demo', 'docs/clusters']) {
    await mkdir(guide.at(folder, '..'), { recursive: true });
    await symlink(join(ROOT, folder), guide.at(folder));
  }
  // A link would lead out of what pods see.
  await rm(guide.at('models'));
  await cp(join(ROOT, 'models/tiny-llama'), guide.at('models/tiny-llama'), { recursive: true });
  const node = [process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ');
  await script('phasetune', `exec ${node} "$@"`);
  for (const name of standIns) {
    const words = [
      process.execPath,
      '--import',
      import.meta.resolve('tsx'),
      join(ROOT, `tests/docs/stand-ins/${name}.ts`),
    ];
    await script(name, `exec ${[...words, guide.at('bin')].map((word) => `'${word}'`).join(' ')} "$@"`);
  }
  return guide.blocks.map((block) => block.replaceAll('/data/me', guide.at()).replaceAll('/data', guide.at()));
}

const script = (name: string, text: string) =>
  writeFile(guide.at('bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

const results = () => JSON.parse(readFileSync(guide.at('studies/try/results.json'), 'utf8'));

test('docs/clusters/kubernetes.md: its commands write a Job whose pods run the study', {
  timeout: PATIENCE_MS,
}, async () => {
  const blocks = await openPage('kubernetes.md', ['kubectl']);
  const { code, said } = await guide.shell(blocks.join(''));
  expect(code, said).toBe(0);
  const job = readJob(readFileSync(guide.at('studies/try/kubernetes/job.yaml'), 'utf8'));
  expect(problemsOf(job)).toEqual([]);
  expect(said).toContain(`job.batch/${job.metadata.name} created`);
  expect(results()).toMatchObject({ missing: [], comparisons: [{ arm: 'phased', verdict: 'incomplete' }] });
  expect(existsSync(guide.at('studies/try/cells/phased-seed-1/attempts.jsonl'))).toBe(false);
});
