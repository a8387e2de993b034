import { accessSync, constants, mkdirSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../core/hash.js';
import { runChild } from './child.js';
import { TENSORFLOW_VERSION } from './home.js';

/** Folders that XLA keeps files in for one card, from process to process. */
export interface CardCaches {
  /** Compiled programs. */
  readonly programs: string;
  /** What autotuning chose for each kernel: the same choice the next time, and so the same bits. */
  readonly choices: string;
}

/** Free space below which no programs are kept: XLA fails where it cannot write one. */
const LEAST_FREE = 1e9;
/** Bytes that all cards' files may take. Beyond, the oldest go. */
const MOST_BYTES = 4e9;
/** Files younger than this stay: another process may be about to read them. */
const STAYS_MS = 24 * 3600 * 1000;

/** Folder of all caches of compiled programs. */
const programsHome = (home: string): string => join(home, 'xla');

/**
 * The caches of a card, made where they are missing. XLA names a program's file by its graph alone,
 * so the folder is named by what else the machine code depends on: the library's version, the
 * `card` with its driver and CUDA, and XLA's flags. Undefined where nothing can be written. What is
 * too much is removed first.
 */
export function cardCaches(home: string, card: string, flags: string): CardCaches | undefined {
  const key = sha256([TENSORFLOW_VERSION, card, flags].join('\n')).slice(0, 16);
  const folder = join(programsHome(home), key);
  const caches = { programs: join(folder, 'programs'), choices: join(folder, 'choices') };
  try {
    for (const each of Object.values(caches)) {
      mkdirSync(each, { recursive: true });
      accessSync(each, constants.W_OK);
    }
    prune(programsHome(home));
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= LEAST_FREE ? caches : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the oldest files of a folder until what is left takes no more than `most` bytes. */
export function prune(folder: string, most = MOST_BYTES, now = Date.now()): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = statSync(path);
      return { path, size, time: mtimeMs };
    })
    .sort((x, y) => x.time - y.time);
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size, time } of files) {
    if (bytes <= most || now - time < STAYS_MS) return;
    rmSync(path, { force: true });
    bytes -= size;
  }
}

/**
 * The card that a process sees, which is the first of CUDA_VISIBLE_DEVICES, with its driver, as `nvidia-smi` prints
 * them. Undefined where that program cannot say.
 */
export async function visibleCard(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const [first = '0'] = (env.CUDA_VISIBLE_DEVICES ?? '0').split(',');
  const args = ['-i', first.trim(), '--query-gpu=name,compute_cap,driver_version', '--format=csv,noheader'];
  const answer = await runChild('nvidia-smi', args, { env, timeoutMs: 20_000 });
  return (answer?.code === 0 && answer.stdout.trim()) || undefined;
}
