import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAtomicFile, writeFileAtomic, writeFolderAtomic } from '../../src/io/atomic.js';
import { copyFile, makeFolder } from '../../src/io/files.js';
import { openAppender } from '../../src/io/jsonl.js';
import { lockFolder } from '../../src/io/lock.js';

// Does one thing on a disk that fails at it, and prints as JSON what came of it: messages, and what
// lies in the folder then.
const [what, folder] = process.argv.slice(2) as [keyof typeof faults, string];
const at = (...names: string[]) => join(folder, ...names);

const MIB = 1 << 20;
const big = new Uint8Array(4 * MIB);

/** The message of what must fail, and its fields. */
const failure = (work: () => Promise<unknown>) =>
  work().then(
    () => 'it worked',
    ({ message, code, fields, stack }) => (code === 'failed' ? `${message} [${fields.errno}]` : stack),
  );

/** What is open in the folder; what Node.js opens and closes for itself does not count. */
const handles = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      // The one that listed them.
      return false;
    }
  }).length;
const inside = (path = folder): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();

const fill = (text: string) => async (into: string) => {
  await writeFileAtomic(join(into, 'a'), text);
  await makeFolder(join(into, 'deep'));
  await writeFileAtomic(join(into, 'deep', 'b'), text);
};

async function oldThings(): Promise<void> {
  await writeFileAtomic(at('file'), 'old');
  await writeFolderAtomic(at('folder'), fill('old'));
}

/** Tries to replace what is there by what does not fit, and tells what is there then. */
async function replaceAll() {
  await writeFileAtomic('/dev/null', 'a first file, for what Node opens once');
  const before = handles();
  const messages = {
    file: await failure(() => writeFileAtomic(at('file'), big)),
    folder: await failure(() =>
      writeFolderAtomic(
        at('folder'),
        async (into) => {
          await fill('new')(into);
          await writeFileAtomic(join(into, 'big'), big);
        },
        { replace: true },
      ),
    ),
    copy: await failure(() => copyFile('/proc/self/exe', at('copy'))),
    lock: await failure(async () => (await lockFolder(at('folder'))).release()),
    made: await failure(() => writeFileAtomic(at('x', 'y', 'z'), big)),
  };
  const old = [at('file'), at('folder', 'a'), at('folder', 'deep', 'b')].map((path) => readFileSync(path, 'utf8'));
  return { messages, old, inside: inside(), leaked: handles() - before };
}

const faults = {
  async full() {
    await oldThings();
    return replaceAll();
  },
  async readOnly() {
    await oldThings();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const told = await replaceAll();
    return { ...told, appender: await failure(() => openAppender(at('lines.jsonl'))) };
  },
  /** Lines until one does not fit, then some space, and more lines. */
  async appender() {
    const path = at('lines.jsonl');
    const log = await openAppender(path);
    writeFileSync(at('filler'), new Uint8Array(2 * MIB - 40_000));
    const written: number[] = [];
    const failed: string[] = [];
    const add = async (i: number) => {
      const message = await failure(() => log.append({ i, text: 'x'.repeat(1500) }));
      if (message === 'it worked') written.push(i);
      else failed.push(message);
    };
    for (let i = 0; i < 40; i++) await add(i);
    const whole = readFileSync(path, 'utf8').endsWith('\n');
    rmSync(at('filler'));
    for (let i = 40; i < 45; i++) await add(i);
    await log.flush();
    await log.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    return { written, failed, whole, lines: lines.map((line) => JSON.parse(line).i) };
  },
  async limit() {
    await oldThings();
    const { messages, old, inside } = await replaceAll();
    const log = await openAppender(at('lines.jsonl'));
    const text = 'x'.repeat(3000);
    const lines = [];
    for (let i = 0; i < 30; i++) lines.push(await failure(() => log.append({ text })));
    await log.close();
    const size = statSync(at('lines.jsonl')).size;
    return { messages, old, inside, lines, whole: size % (JSON.stringify({ text }).length + 1) === 0 };
  },
  /** The folder is removed while a file, and while a folder, is being written to it. */
  async gone() {
    const before = handles();
    const file = await createAtomicFile(at('run', 'file'));
    const messages: Record<string, string> = {};
    await file.write('half');
    rmSync(at('run'), { recursive: true });
    messages.file = await failure(() => file.commit());
    await makeFolder(at('run'));
    messages.folder = await failure(() =>
      writeFolderAtomic(at('run', 'folder'), async (into) => {
        await fill('new')(into);
        rmSync(at('run'), { recursive: true });
        await fill('new')(into);
      }),
    );
    return { messages, inside: readdirSync(folder), leaked: handles() - before };
  },
  /** A part of the path is a file, a link to nowhere, or in a place that takes no folders. */
  async path() {
    writeFileSync(at('file'), '');
    execFileSync('ln', ['-s', 'nowhere', at('link')]);
    return {
      messages: {
        file: await failure(() => writeFileAtomic(at('file', 'a', 'b'), 'x')),
        folder: await failure(() => writeFolderAtomic(at('file', 'a'), fill('x'))),
        appender: await failure(() => openAppender(at('file', 'a'))),
        link: await failure(() => makeFolder(at('link', 'a'))),
        proc: await failure(() => makeFolder('/proc/phasetune/a')),
        procFolder: await failure(() => writeFolderAtomic('/proc/phasetune/a', fill('x'))),
      },
      inside: inside(),
    };
  },
};

process.stdout.write(JSON.stringify(await faults[what](), null, 1));
