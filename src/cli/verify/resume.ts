import { join } from 'node:path';
import { PhasetuneError, usageError } from '../../core/errors.js';
import { random } from '../../core/random.js';
import { andMore } from '../../core/shown.js';
import { writeJson } from '../../io/atomic.js';
import { listFolder, remove, statPath } from '../../io/files.js';
import { runDifferences } from '../../train/run-differences.js';
import type { CommandContext } from '../command.js';
import { finish, type Hit, type KilledRun, startAndKill } from './killing.js';

/** What is verified, and how. */
export interface VerifyResume {
  /** Every option of the run but `out`. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly device: string;
  /** Folder to work in, missing or empty; a copy that came to another end stays there. */
  readonly out: string;
  readonly kills: number;
  readonly seed: number;
  /** Program and first arguments that are `phasetune`. */
  readonly phasetune: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
}

/** What came of it. */
export interface Verified {
  readonly kills: number;
  /** Runs that were killed, resumed and compared. */
  readonly runs: number;
  readonly same: number;
  /** How many kills hit where. */
  readonly hits: Partial<Record<Hit, number>>;
  /** How long the run takes that is never interrupted. */
  readonly seconds: number;
}

/** Kills of one run before it may go to its end. */
const KILLS_PER_RUN = 5;

/**
 * Does a run once without interruption, and again while it is killed at random moments and resumed, until so many kills were
 * survived, and compares what is left. Throws (code `failed`) with the differences when there are any.
 */
export async function verifyResume(job: VerifyResume, context: CommandContext): Promise<Verified> {
  const { out, kills } = job;
  await checkEmpty(out);
  const recipe = join(out, 'recipe.json');
  await writeJson(recipe, { ...job.recipe, out: join(out, 'whole') });
  const run = (name: string, seconds: number): KilledRun => {
    const folder = join(out, name);
    const args = ['train', '--config', recipe, '--out', folder, '--device', job.device, '--resume'];
    return { folder, command: [...job.phasetune, ...args], env: job.env, seconds, signal: context.signal };
  };
  context.logger.info('the run as it is, without interruption');
  const start = performance.now();
  await finish(run('whole', 0));
  const seconds = (performance.now() - start) / 1000;
  const draw = random(job.seed, 'kills');
  const bar = context.progress({ label: 'kill and resume', total: kills, unit: 'kills' });
  const hits: Partial<Record<Hit, number>> = {};
  let done = 0;
  let runs = 0;
  try {
    while (done < kills) {
      const copy = run(`killed-${++runs}`, seconds);
      for (let i = 0; i < KILLS_PER_RUN && done < kills; i++) {
        const hit = await startAndKill(copy, draw);
        if (!hit) break;
        hits[hit] = (hits[hit] ?? 0) + 1;
        bar.update(++done, hit);
      }
      await finish(copy);
      await compare(join(out, 'whole'), copy.folder);
      await remove(copy.folder);
    }
  } finally {
    bar.finish();
  }
  await remove(out);
  return { kills: done, runs, same: runs, hits, seconds };
}

async function checkEmpty(folder: string): Promise<void> {
  const { kind } = await statPath(folder);
  if (kind === 'missing' || (kind === 'folder' && (await listFolder(folder)).length === 0)) return;
  throw usageError(`${folder} is there and not empty; expected a place for runs that are made to be compared`, {
    file: folder,
  });
}

async function compare(whole: string, copy: string): Promise<void> {
  const differences = await runDifferences(whole, copy);
  if (differences.length === 0) return;
  throw new PhasetuneError(
    'failed',
    `${copy}, killed and resumed, ended differently from ${whole}: ${differences.slice(0, 10).join('; ')}${andMore(differences.length - 10)}. Both are kept; please report it`,
    { whole, copy, differences: differences.join('; ') },
  );
}
