import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeFileAtomic } from '../../src/io/atomic.js';
import { lockFolder } from '../../src/io/lock.js';
import { isLockFile } from '../../src/io/lock-file.js';
import { parseOwner, SILENT_MS } from '../../src/io/lock-owner.js';
import { ROOT } from '../cli/child.js';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  rmSync(folder, { recursive: true, force: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A process of its own that takes locks; see locker.ts. */
function locker() {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), `${ROOT}tests/io/locker.ts`]);
  children.push(child);
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  let trouble = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (trouble += text));
  const say = async (...words: (string | number)[]): Promise<string> => {
    child.stdin.write(`${words.join(' ')}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`the locker ended: ${trouble}`);
    return value;
  };
  return { child, say };
}

const lockText = () => readFileSync(join(folder, 'run.lock'), 'utf8');
const lockFiles = () => readdirSync(folder).filter(isLockFile);

let dead: Record<string, unknown>;
/** What the lock file of a dead process holds: taken by a real one that was killed. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  const { child, say } = locker();
  expect(await say('take', folder)).toBe('took');
  await kill(child);
  dead = JSON.parse(lockText());
  rmSync(folder, { recursive: true });
});

const write = (lock: unknown, name = 'run.lock') =>
  writeFileSync(join(folder, name), typeof lock === 'string' ? lock : JSON.stringify(lock));

/** Sets a lock file's last sign of life back. */
const silence = (seconds: number) => {
  const at = Date.now() / 1000 - seconds;
  utimesSync(join(folder, 'run.lock'), at, at);
};

describe('a folder that is held', () => {
  test('is refused to a second process with owner, age and what to do, and given when it is freed', async () => {
    const { child, say } = locker();
    expect(await say('take', folder)).toBe('took');
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: 'failed',
      fields: { pid: child.pid, host: hostname() },
      message: expect.stringMatching(
        `^${folder} is in use by process ${child.pid} on this machine \\(phasetune train\\) for \\d+ s; wait for it, or stop it \\(kill ${child.pid}\\), or choose another folder$`,
      ),
    });
    expect(await say('check')).toBe('ours');
    expect(await say('free')).toBe('freed');
    expect(readdirSync(folder)).toEqual([]);
    const lock = await lockFolder(folder);
    expect(lock.takenOver).toBeUndefined();
    await lock.release();
  });

  test('is refused while its owner lives, however long it was silent', async () => {
    const { child, say } = locker();
    await say('take', folder);
    child.kill('SIGSTOP');
    silence(3600);
    await expect(lockFolder(folder)).rejects.toThrow(`in use by process ${child.pid}`);
    child.kill('SIGCONT');
  });

  test('is refused to a second run in the same process, and free after the first', async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(/this same process/);
    await lock.release();
    await lock.release();
    await (await lockFolder(folder)).release();
  });

  test('is not made again by what its holder still writes, once it was removed', async () => {
    const held = join(folder, 'held');
    const lock = await lockFolder(held);
    rmSync(held, { recursive: true });
    await expect(writeFileAtomic(join(held, 'stage-1', 'a.json'), '{}')).rejects.toMatchObject({
      code: 'failed',
      fields: { errno: 'ENOENT' },
    });
    expect(existsSync(held)).toBe(false);
    await expect(lock.check()).rejects.toThrow('is gone: it was removed or unmounted');
    await lock.release();
    await writeFileAtomic(join(held, 'a.json'), '{}');
    expect(existsSync(held)).toBe(true);
  });

  test('does not keep its process alive', async () => {
    const code = `import { lockFolder } from '${ROOT}src/io/lock.ts'; await lockFolder('${folder}');`;
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code];
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(JSON.parse(lockText()).pid).toBe(child.pid);
  });
});

describe('a lock whose process is gone', () => {
  test('is taken over after a kill, and the new owner is told', async () => {
    write(dead);
    const lock = await lockFolder(folder);
    expect(lock.takenOver).toMatchObject({ pid: dead.pid, host: hostname(), command: 'phasetune train' });
    expect(JSON.parse(lockText()).pid).toBe(process.pid);
    expect(lockFiles()).toEqual(['run.lock']);
    await lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is taken over when its number belongs to a process that started at another time', async () => {
    write({ ...dead, pid: process.pid });
    expect(JSON.parse(lockText()).processStart).toMatch(/^\d+$/);
    const lock = await lockFolder(folder);
    expect(lock.takenOver?.pid).toBe(process.pid);
    await lock.release();
  });

  test('is taken over when it was silent since before this machine started, else it may be of a machine of the same name', async () => {
    const boot = '00000000-0000-0000-0000-000000000000';
    write({ ...dead, boot });
    await expect(lockFolder(folder)).rejects.toThrow(/last sign of life is \d+ s old/);
    silence(10 * 365 * 86_400);
    await (await lockFolder(folder)).release();
  });

  test('is taken over where takers died on the way, whatever they left', async () => {
    write(dead);
    const other = { ...dead, token: 'b'.repeat(24) };
    // A taker that died holding the claim, one that died claiming that, one that died before, and
    // an owner that died freeing it.
    write(other, `run.lock.${dead.token}`);
    write({ ...dead, token: 'c'.repeat(24) }, `run.lock.${dead.token}.${other.token}`);
    write({ ...dead, token: 'd'.repeat(24) }, `run.lock.${'d'.repeat(24)}.tmp`);
    const lock = await lockFolder(folder);
    expect(lock.takenOver?.token).toBe(dead.token);
    expect(lockFiles()).toEqual(['run.lock']);
    await lock.release();
    write(dead);
    write(dead, `run.lock.${dead.token}`);
    await (await lockFolder(folder)).release();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a lock of another host', () => {
  test('is held while it gives signs of life, and taken over after two minutes without', async () => {
    const away = { ...dead, host: 'elsewhere' };
    write(away);
    silence(90);
    await expect(lockFolder(folder)).rejects.toThrow(/on host elsewhere .* last sign of life is 9\d s old; .*2 min/);
    silence(130);
    const lock = await lockFolder(folder);
    expect(lock.takenOver?.host).toBe('elsewhere');
    await lock.release();
  });

  test('of a container, whose processes cannot be seen from here, is judged the same way', async () => {
    const inside = { ...dead, namespace: 'pid:[1]' };
    write(inside);
    await expect(lockFolder(folder)).rejects.toThrow(/last sign of life/);
    silence(130);
    await (await lockFolder(folder)).release();
  });

  test('that was taken over is known by the one that lost it, and left alone by it', async () => {
    const lock = await lockFolder(folder);
    await lock.check();
    const other = { ...JSON.parse(lockText()), host: 'elsewhere', token: 'e'.repeat(24) };
    write(other);
    await expect(lock.check()).rejects.toThrow(/removed or taken over by another process.*continue with `resume`/);
    await lock.release();
    expect(JSON.parse(lockText())).toEqual(other);
    rmSync(join(folder, 'run.lock'));
    await expect(lock.check()).rejects.toMatchObject({ code: 'failed' });
  });
});

describe('many at once', () => {
  const LOCKERS = 6;

  test('on a stale lock: exactly one takes it over, in every round', async () => {
    const lockers = Array.from({ length: LOCKERS }, locker);
    for (let round = 0; round < 30; round++) {
      write({ ...dead, token: String(round).padStart(24, '0') });
      // In every third round a taker died before, too.
      if (round % 3 === 0) write(dead, `run.lock.${String(round).padStart(24, '0')}`);
      const answers = await Promise.all(lockers.map(({ say }) => say('take', folder)));
      const winners = answers.flatMap((answer, i) => (answer.startsWith('error') ? [] : [i]));
      expect(winners, answers.join('\n')).toHaveLength(1);
      expect(answers[winners[0]!]).toBe(`took over from ${dead.pid}`);
      for (const answer of answers.filter((text) => text.startsWith('error')))
        expect(answer).toContain(`in use by process ${lockers[winners[0]!]!.child.pid} `);
      await lockers[winners[0]!]!.say('free');
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test('taking and freeing: never two inside', async () => {
    const lockers = Array.from({ length: 4 }, locker);
    const answers = await Promise.all(lockers.map(({ say }) => say('contend', folder, 100)));
    for (const answer of answers) expect(answer).toMatch(/^won \d+$/);
    expect(answers.reduce((sum, answer) => sum + Number(answer.split(' ')[1]), 0)).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('killed at any moment: the lock goes on to the next, and nothing stays behind', async () => {
    for (let round = 0; round < 3; round++) {
      const busy = locker();
      const done = busy.say('contend', folder, 100_000).catch(() => {});
      await expect.poll(() => readdirSync(folder).length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 20 + 13 * round));
      await kill(busy.child);
      await done;
      rmSync(join(folder, 'inside'), { recursive: true, force: true });
      await (await lockFolder(folder)).release();
      // Killed while it wrote who it is: only silence shows that nobody is at it any more.
      for (const name of readdirSync(folder)) {
        expect(name).toMatch(/^run\.lock\.[0-9a-f]{24}\.tmp$/);
        const path = join(folder, name);
        expect(parseOwner(readFileSync(path, 'utf8'))).toBeUndefined();
        const before = (Date.now() - 2 * SILENT_MS) / 1000;
        utimesSync(path, before, before);
      }
      await (await lockFolder(folder)).release();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test('what a process left that was killed while it wrote who it is is removed once it was silent', async () => {
    const left = join(folder, `run.lock.${'0'.repeat(24)}.tmp`);
    writeFileSync(left, '');
    await (await lockFolder(folder)).release();
    expect(readdirSync(folder)).toHaveLength(1);
    const before = (Date.now() - 2 * SILENT_MS) / 1000;
    utimesSync(left, before, before);
    await (await lockFolder(folder)).release();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test.each([
  ['cut off', '{"schema": "phasetune/lock", "pid"'],
  ['of another program', '4711\n'],
  ['of no sense', '{"schema":"phasetune/lock","version":1,"pid":-1,"host":"x","since":"","token":""}'],
  ['far too long', ' '.repeat(1 << 17)],
])('a lock file %s is told with what to do, and left as it is', async (_, text) => {
  write(text);
  await expect(lockFolder(folder)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(
      /run\.lock is not a lock that can be read.*make sure that no process does, then remove/,
    ),
  });
  expect(lockText()).toBe(text);
  expect(lockFiles()).toEqual(['run.lock']);
});

test('text in a hostile lock file cannot break out of the line', async () => {
  const away = { ...dead, host: 'a\u001b[2J\nb'.repeat(50), command: '\r\n' };
  write(away);
  const message = await lockFolder(folder).then(
    () => '',
    (error: Error) => error.message,
  );
  expect(message).toMatch(/^[\x20-\x7e]+$/);
  expect(message.length).toBeLessThan(folder.length + 400);
});

test('signs of life are noted by the file system, and say nothing new', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const lock = await lockFolder(folder);
    const text = lockText();
    silence(100);
    const before = statSync(join(folder, 'run.lock')).mtimeMs;
    vi.advanceTimersByTime(20_000);
    await expect.poll(() => statSync(join(folder, 'run.lock')).mtimeMs).toBeGreaterThan(before + 90_000);
    expect(lockText()).toBe(text);
    await lock.release();
  } finally {
    vi.useRealTimers();
  }
});
