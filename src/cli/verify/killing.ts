import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChild } from '../../backend/native/child.js';
import { PhasetuneError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import { isLeftover } from '../../io/atomic.js';
import { exists, listFolder, readText } from '../../io/files.js';

/** What a kill waits for: a time drawn at random, a checkpoint that is half written, or the step from one stage to the next. */
const AIMS = ['time', 'save', 'stage'] as const;

/** Where a kill hit, by what the run had left on the disk. */
export type Hit =
  | 'before training'
  | 'while saving'
  | 'between two stages'
  | 'in training'
  | 'while measuring'
  | 'at the end';

/** A run in its own process, on one folder. */
export interface KilledRun {
  readonly folder: string;
  /** Program and arguments that begin the run in the folder, or continue with it. */
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** About how long the whole run takes, the start of the process included. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const POLL_MS = 2;

/** Starts the process and kills it (SIGKILL) at a moment drawn at random. Says where that hit; undefined when it was done before. */
export async function startAndKill(run: KilledRun, random: Random): Promise<Hit | undefined> {
  const over = new AbortController();
  const kill = new AbortController();
  const moment = waitFor(AIMS[random.integer(AIMS.length)]!, run, random, over.signal).then(() => kill.abort());
  try {
    await finish({ ...run, signal: AbortSignal.any([run.signal, kill.signal]) });
    return undefined;
  } catch (error) {
    if (!kill.signal.aborted || run.signal.aborted) throw error;
    return await whereHit(run.folder);
  } finally {
    over.abort();
    await moment;
  }
}

/** Lets the run go to its end. Throws with what it said when it fails. */
export async function finish({
  command: [program, ...args],
  env,
  signal,
}: Omit<KilledRun, 'seconds' | 'folder'>): Promise<void> {
  const ended = await runChild(program, args, { env, signal });
  if (ended?.code === 0) return;
  const said = ended?.stderr.trim().split('\n').at(-1) ?? `${program} is not there`;
  throw new PhasetuneError('failed', `a run that was to be compared failed: ${said}`);
}

/** Resolves at the moment of the kill, or when it is over before. */
async function waitFor(
  aim: (typeof AIMS)[number],
  { folder, seconds }: KilledRun,
  random: Random,
  over: AbortSignal,
): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: over, ref: false }).catch(() => {});
  if (aim === 'time') return pause(random.uniform() * seconds * 1000);
  const look = aim === 'save' ? () => saving(folder) : () => stagesDone(folder);
  const before = aim === 'save' ? '' : await look();
  for (
    let left = 1 + random.integer(aim === 'save' ? 6 : 2), last = before;
    left > 0 && !over.aborted;
    await pause(POLL_MS)
  ) {
    const now = await look();
    if (now !== last && now !== '') left--;
    last = now;
  }
  await pause(random.uniform() * (aim === 'save' ? 8 : 40));
}

/** Names of half-written checkpoints. */
async function saving(folder: string): Promise<string> {
  const names: string[] = [];
  for (const stage of await namesIn(folder))
    if (stage.startsWith('stage-')) names.push(...(await namesIn(join(folder, stage))).filter(isLeftover));
  return names.join();
}

/** How many stages have ended, as text. */
const stagesDone = async (folder: string): Promise<string> =>
  String((await eventTypes(folder)).filter((type) => type === 'stage-end').length);

/** A folder may go while it is looked at. */
const namesIn = (folder: string): Promise<string[]> => listFolder(folder).catch(() => []);

async function eventTypes(folder: string): Promise<string[]> {
  const path = join(folder, 'events.jsonl');
  if (!exists(path)) return [];
  return [...(await readText(path)).matchAll(/"type":"([a-z-]+)"/g)].map(([, type]) => type!);
}

async function whereHit(folder: string): Promise<Hit> {
  if ((await saving(folder)) !== '') return 'while saving';
  const last = (await eventTypes(folder)).at(-1);
  if (last === undefined || last === 'run') return 'before training';
  if (last === 'stage-end' || last === 'stage') return 'between two stages';
  if (last === 'run-end') return 'at the end';
  return last === 'eval' ? 'while measuring' : 'in training';
}
