import { randomBytes } from 'node:crypto';
import { constants, copyFile, link, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PhasetuneError } from '../core/errors.js';
import { exists, fileError, holdFolder, makeFolder } from './files.js';
import { codeOf, LOCK_NAME, readLock } from './lock-file.js';
import { type LockOwner, SILENT_MS, type Standing, standingOf, thisOwner } from './lock-owner.js';

/** A folder, or a file, that this process alone may write to. */
export interface FolderLock {
  /** The dead owner that it was taken over from. Absent when the folder was free. */
  readonly takenOver?: LockOwner;
  /**
   * Throws (code `failed`) when it is no longer ours: the folder or file is gone, or another
   * process took it over, which happens to one that another host heard nothing of for minutes.
   */
  check(): Promise<void>;
  /** Frees it, unless it is another's by now; harmless when done before. */
  release(): Promise<void>;
}

/** Time between two signs of life, and how long to wait for others that are at it in this moment. */
const HEARTBEAT_MS = 20_000;
const PATIENCE_MS = 5_000;
const POLL_MS = 25;
/** Time between two tries to take a lock that another process holds. */
const WAIT_MS = 300;
/**
 * Takes a folder (made where it is missing) for this process, by a file `run.lock` that says who
 * holds it; `command` says for people what for. Does not keep the process alive. Throws (code
 * `failed`) when it is held, naming owner and age, or when the file is not a lock of ours. A dead
 * owner's lock is taken over, by exactly one of those that try.
 */
export const lockFolder = (folder: string, command?: string): Promise<FolderLock> =>
  lockAt(join(folder, LOCK_NAME), { path: folder, kind: 'folder' }, command);

/** Takes a file, which need not be there yet, as {@link lockFolder} takes a folder, by a file `NAME.lock` beside it. */
export const lockFile = (file: string, command?: string): Promise<FolderLock> =>
  lockAt(`${file}.lock`, { path: file, kind: 'file' }, command);

/**
 * Takes a file as {@link lockFile} does, but waits while another process has it; `onWait` is called
 * once, with the error that says who has it. An aborted `signal` ends the wait with its reason.
 */
export async function waitForFile(
  file: string,
  {
    command,
    signal,
    onWait,
  }: { command?: string; signal?: AbortSignal | undefined; onWait(held: PhasetuneError): void },
): Promise<FolderLock> {
  for (let waits = false; ; waits = true) {
    signal?.throwIfAborted();
    try {
      return await lockFile(file, command);
    } catch (error) {
      if (!(error instanceof PhasetuneError) || error.fields.pid === undefined) throw error;
      if (!waits) onWait(error);
    }
    await sleep(WAIT_MS);
  }
}

/** What a lock is for. */
interface Subject {
  readonly path: string;
  readonly kind: 'folder' | 'file';
}

async function lockAt(path: string, subject: Subject, command?: string): Promise<FolderLock> {
  await makeFolder(dirname(path));
  const me = await thisOwner(randomBytes(12).toString('hex'), command);
  const file = `${path}.${me.token}.tmp`;
  try {
    const mine: Mine = { path, subject, me, file, now: await writeOwner(file, me) };
    const takenOver = await take(path, mine);
    const letGo = subject.kind === 'folder' ? await holdFolder(subject.path) : () => {};
    const beating = await heartbeat(path);
    await clearDead(mine);
    return {
      ...(takenOver && { takenOver }),
      async check() {
        if ((await readLock(path))?.owner?.token !== me.token) throw lost(mine);
      },
      async release() {
        letGo();
        await beating.stop();
        // What cannot be removed dies with this process.
        await free(path, me).catch(() => {});
      },
    };
  } catch (error) {
    throw fileError('write', path, error);
  } finally {
    await rm(file, { force: true }).catch(() => {});
  }
}

/**
 * This process, a file that says so, to be linked to where it is wanted, and the time by the file
 * system's own clock.
 */
interface Mine {
  /** The lock's place. */
  readonly path: string;
  readonly subject: Subject;
  readonly me: LockOwner;
  readonly file: string;
  now(): number;
}

async function writeOwner(file: string, me: LockOwner): Promise<() => number> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(`${JSON.stringify(me, null, 2)}\n`);
    await handle.sync();
    const { mtimeMs } = await handle.stat();
    const start = performance.now();
    return () => mtimeMs + performance.now() - start;
  } finally {
    await handle.close();
  }
}

/**
 * Makes the lock file at `path` ours and returns the dead owner it had. A dead owner's file may be
 * replaced only by the process that holds the claim to it: a second lock file, named after the dead
 * lock's token and taken in this same way, so that a claim whose owner died is no obstacle either.
 * Moving the claim onto `path` replaces the one and frees the other in one step, and `path` never
 * has that token again: a late process finds another token under its claim and starts again.
 */
async function take(path: string, mine: Mine): Promise<LockOwner | undefined> {
  for (const start = performance.now(); ; await sleep(POLL_MS)) {
    if (await putNew(mine.file, path)) return undefined;
    const existing = await readLock(path);
    if (!existing) continue;
    const patient = performance.now() - start < PATIENCE_MS;
    const { owner, bytes } = existing;
    // Where files cannot be linked, one is seen before it is written.
    if (!owner && bytes === 0 && patient) continue;
    if (!owner) throw unreadable(path, mine.subject);
    const silentMs = mine.now() - existing.at;
    const standing = await standingOf(owner, mine.me, silentMs);
    if (standing === 'gone') {
      if (await replace(path, owner, mine)) return owner;
    } else if (!patient || path === mine.path) throw held(mine, owner, standing, silentMs);
    // Otherwise it is a claim, which is held for milliseconds.
  }
}

async function replace(path: string, { token }: LockOwner, mine: Mine): Promise<boolean> {
  const claim = `${path}.${token}`;
  await take(claim, mine);
  try {
    const same = (await readLock(path))?.owner?.token === token;
    if (same) await rename(claim, path);
    return same;
  } finally {
    await rm(claim, { force: true });
  }
}

const CANNOT_LINK = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Puts a file's content at a place that must be free, at once where the file system has links.
 * False when it is taken.
 */
async function putNew(file: string, path: string): Promise<boolean> {
  try {
    try {
      await link(file, path);
    } catch (error) {
      if (!CANNOT_LINK.has(codeOf(error))) throw error;
      await copyFile(file, path, constants.COPYFILE_EXCL);
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Gives a sign of life now and then: the file's first byte, written over by itself, has the file
 * system note its own time.
 */
async function heartbeat(path: string): Promise<{ stop(): Promise<void> }> {
  const handle = await open(path, 'r+');
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(() => handle.write('{', 0)).catch(() => {});
  }, HEARTBEAT_MS).unref();
  return {
    async stop() {
      clearInterval(timer);
      await last;
      await handle.close().catch(() => {});
    },
  };
}

/** Removes what takers that died on the way left. The claims among it are to locks that are no more. */
async function clearDead({ path, me, now }: Mine): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const lock = await readLock(join(folder, name));
    if (!lock) continue;
    const silentMs = now() - lock.at;
    const gone = lock.owner ? (await standingOf(lock.owner, me, silentMs)) === 'gone' : silentMs > SILENT_MS;
    if (gone) await rm(join(folder, name), { force: true });
  }
}

/** Removes our lock, under the claim to it: a process that has the claim believes us dead and takes the lock over. */
async function free(path: string, { token }: LockOwner): Promise<void> {
  const claim = `${path}.${token}`;
  if (!(await putNew(path, claim))) return;
  if ((await readLock(path))?.owner?.token === token) await rm(path, { force: true });
  await rm(claim, { force: true });
}

/** What to do about a lost lock, by what it was for: a run's folder or a ledger. */
const whenLost: Readonly<Record<Subject['kind'], string>> = {
  folder: 'find out which process runs there, then continue with `resume`',
  file: 'find out which process runs there, then do the same again: it continues where it stopped',
};

const lost = ({ path, subject }: Mine) =>
  new PhasetuneError(
    'failed',
    exists(subject.path)
      ? `${subject.path}: the lock of this run was removed or taken over by another process; stopped, so that no two write to it`
      : `${subject.path} is gone: it was removed or unmounted while this process wrote to it; stopped, since there is no place to save to`,
    { file: path, remedies: exists(subject.path) ? [{ advice: whenLost[subject.kind] }] : [] },
  );

const unreadable = (path: string, subject: Subject) =>
  new PhasetuneError(
    'failed',
    `${path} is not a lock that can be read, so it is unknown which process uses ${subject.path}; make sure that no process does, then remove that file`,
    { file: path },
  );

function held({ path, subject, me }: Mine, owner: LockOwner, standing: Standing, silentMs: number): PhasetuneError {
  const { pid, host, since, command } = owner;
  const here = standing === 'here';
  const where = `on ${here ? 'this machine' : `host ${quoted(host)}`}`;
  const who = `process ${pid} ${where}${command === undefined ? '' : ` (${quoted(command)})`}`;
  const age = Date.now() - Date.parse(since);
  const when = Number.isFinite(age) ? ` for ${ago(age)}` : '';
  const same = here && pid === me.pid;
  const what = same ? ', which is this same process' : here ? '' : `; its last sign of life is ${ago(silentMs)} old`;
  const stop = here
    ? `stop it (kill ${pid})`
    : `stop it there (${SILENT_MS / 60_000} min of silence free the ${subject.kind})`;
  const advice = same ? ['wait for the other task or end it'] : ['wait for it', stop, `choose another ${subject.kind}`];
  return new PhasetuneError('failed', `${subject.path} is in use by ${who}${when}${what}`, {
    file: path,
    pid,
    host,
    since,
    remedies: advice.map((each) => ({ advice: each })),
  });
}

/** Text of a file that anyone may have written, on one line. */
const quoted = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
