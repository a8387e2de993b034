/**
 * How long a study of 288 cells takes to be planned, and how much memory: 4 arms, 8 seeds and 2 axes of 3, on the tiny
 * model and the demo's rows, in a process of its own. Checks that no two cells have one folder and that the trained
 * tokens of arms are within 1 %. Needs `npm run build`; measure with nothing else running.
 *
 *     npx tsx scripts/study/time-dry-run.ts [--rounds 5] [--seconds 3] [--mib 250] [--axes 'lora.rank: [4, 8, 16], …']
 *
 * The standard axes are options of the recipe, so that all cells train on one set. `--axes 'lora.rank: [4, 8, 16],
 * stage.stages: [2, 3, 4]'` has three sets to stage and three times as many different plans.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { StudyPlan } from '../../src/study/plan-study.js';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    mib: { type: 'string', default: '250' },
    axes: { type: 'string', default: 'lora.rank: [4, 8, 16], optim.learningRate: [0.0001, 0.0002, 0.0004]' },
  },
});

const STUDY = `base: { model: models/tiny-llama, epochs: 1, maxLength: 256 }
data: { scored: datasets/demo/raw.jsonl, holdout: 60 }
arms:
  one-off: { order: one-off }
  phased: { order: phased }
  random: { order: random }
  reversed: { order: reversed }
axes: { ${given.axes} }
seeds: 8
control: one-off
`;

/** Plans the study and prints what came of it and what it took; seconds are those of the call, after start-up. */
const PROGRAM = `
import { planStudy } from ${JSON.stringify(new URL('../../dist/study/plan-study.js', import.meta.url))};
const [file, out] = process.argv.slice(1);
const start = performance.now();
const plan = await planStudy({ file, out });
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ plan, seconds, cpu: (user + system) / 1e6, mib: process.resourceUsage().maxRSS / 1024 }));
`;

interface Round {
  readonly plan: StudyPlan;
  readonly seconds: number;
  readonly cpu: number;
  readonly mib: number;
}

const folder = await mkdtemp(join(tmpdir(), 'time-dry-run-'));
try {
  const file = join(folder, 'study.yaml');
  await writeFile(file, STUDY);
  const rounds: Round[] = [];
  for (let i = 0; i < Number(given.rounds); i++) {
    const { stdout } = await promisify(execFile)(
      execPath,
      ['--input-type=module', '--eval', PROGRAM, file, join(folder, 'out')],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), maxBuffer: 1 << 26 },
    );
    rounds.push(JSON.parse(stdout) as Round);
  }
  const { plan } = rounds[0]!;
  const least = (of: (round: Round) => number) => Math.min(...rounds.map(of));
  const equalFolders = plan.folders.length - new Set(plan.folders).size;
  const found = {
    cells: plan.cells,
    equalFolders,
    largestDifference: plan.largestDifference.share,
    seconds: { least: least(({ seconds }) => seconds), all: rounds.map(({ seconds }) => seconds) },
    cpuSeconds: least(({ cpu }) => cpu),
    mib: Math.max(...rounds.map(({ mib }) => mib)),
  };
  console.log(JSON.stringify(found, undefined, 2));
  const kept =
    plan.cells === 288 &&
    equalFolders === 0 &&
    plan.largestDifference.share < 0.01 &&
    found.seconds.least < Number(given.seconds) &&
    found.mib < Number(given.mib);
  if (!kept) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
