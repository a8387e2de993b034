import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { create } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nativeHome, TENSORFLOW_VERSION } from '../../src/backend/native/home.js';
import { runtimePaths } from '../../src/backend/native/paths.js';
import { findRuntime } from '../../src/backend/native/runtime.js';
import { setUp } from '../../src/backend/setup.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { type FakeMachine, fakeMachine, realRuntime, runTypeScript } from '../helpers/fake-machine.js';

/** A machine with a network, and one without a network, Python and compiler. */
let source: FakeMachine;
let target: FakeMachine;
let archive: string;
beforeEach(() => {
  source = fakeMachine();
  target = fakeMachine({ python: false, compiler: false });
  archive = join(source.env.PATH!, '..', 'set-up.tar.gz');
});
afterEach(() => {
  source.remove();
  target.remove();
});

const withBinding = realRuntime() ? test : test.skip;
const logger = silentLogger;

const pack = () => setUp({ wanted: 'cpu', home: source.home, env: source.env, logger, pack: archive });
const install = (on: FakeMachine, from = archive) =>
  setUp({ wanted: 'auto', home: on.home, env: on.env, logger, from }).catch((error: unknown) => error as Error);
const builtIn = (home: string) => findRuntime(home, 'cpu');

withBinding('a packed set-up is installed without network, Python and compiler, file for file', async () => {
  const { packed } = await pack();
  expect(packed).toEqual({ file: archive, bytes: readFileSync(archive).length });
  expect(await install(target)).toEqual({ device: 'cpu', home: target.home, made: true });
  expect(target.calls()).toEqual([]);
  const [there, here] = [source, target].map(({ home }) => runtimePaths(home, 'cpu'));
  const names = Object.keys(JSON.parse(readFileSync(here!.inventory, 'utf8')));
  expect(names.length).toBe(6);
  for (const name of names)
    expect(readFileSync(join(here!.root, name)).equals(readFileSync(join(there!.root, name))), name).toBe(true);
  expect(readFileSync(here!.ready, 'utf8')).toBe(readFileSync(there!.ready, 'utf8'));
  expect(readdirSync(nativeHome(target.home))).toHaveLength(1);
  expect(await install(target)).toMatchObject({ made: false });
});

/** The archive's bytes after a change to the tar file inside. */
const changed = (change: (tar: Buffer) => Buffer): Buffer => gzipSync(change(gunzipSync(readFileSync(archive))));

withBinding('an archive that is not whole is refused in one sentence and leaves nothing that counts', async () => {
  await pack();
  const whole = readFileSync(archive);
  const flipped = (at: (tar: Buffer) => number) =>
    changed((tar) => {
      tar[at(tar)]! ^= 1;
      return tar;
    });
  const cases: [Buffer, RegExp][] = [
    [flipped((tar) => tar.indexOf('not a library\n') + 100), /libtensorflow_cc\.so\.2 has a wrong checksum/],
    [flipped((tar) => tar.indexOf('tensorflow/include/tensorflow/c/c_api.h') + 1024), /./],
    [whole.subarray(0, whole.length / 2), /unexpected end of file/],
    [changed((tar) => tar.subarray(0, tar.length - (tar.length % 512) - 20_480)), /./],
    [Buffer.from('a text\n'), /./],
    [Buffer.alloc(0), /./],
    [gzipSync(Buffer.alloc(10_240)), /./],
  ];
  for (const [bytes, message] of cases) {
    writeFileSync(archive, bytes);
    const error = await install(target);
    expect(error).toMatchObject({ code: 'data' });
    expect((error as Error).message).toMatch(/expected a whole set-up .* copy it again, or write it again$/);
    expect((error as Error).message).toMatch(message);
    expect(builtIn(target.home)).toBeUndefined();
  }
  writeFileSync(archive, whole);
  expect(await install(target)).toMatchObject({ made: true });
});

/** An archive of our own making. */
async function forged(manifest: object, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(source.env.PATH!, '..', 'forged');
  mkdirSync(folder, { recursive: true });
  const all = { 'phasetune-setup.json': JSON.stringify(manifest), ...files };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
  await create({ cwd: folder, gzip: true, file: archive, preservePaths: true }, Object.keys(all));
  return archive;
}
const MANIFEST = { format: 1, tensorflow: TENSORFLOW_VERSION, variant: 'cpu', built: 'b', compiler: 'g', files: {} };

test('a set-up of another TensorFlow, or for another device than was asked for, is refused by name', async () => {
  await forged({ ...MANIFEST, tensorflow: '2.99.0' });
  expect(String(await install(target))).toContain(`expected a set-up of TensorFlow ${TENSORFLOW_VERSION}, got 2.99.0`);
  await forged(MANIFEST);
  const options = { wanted: 'cuda', home: target.home, env: target.env, logger, from: archive } as const;
  await expect(setUp(options)).rejects.toThrow(/expected a set-up for cuda, got one for cpu/);
});

test('files outside of its folder, and files that its list does not name, are not written', async () => {
  const file = { bytes: 3, sha256: '0'.repeat(64), executable: false };
  for (const name of ['../outside', '/outside', 'a/../../outside']) {
    await forged({ ...MANIFEST, files: { [name]: file } });
    expect(String(await install(target)), name).toContain('its list of what it holds is not one of this version');
  }
  await forged(MANIFEST, { more: 'more' });
  expect(String(await install(target))).toContain('it holds more, which is not in its list');
  await forged({ ...MANIFEST, files: { absent: file } });
  expect(String(await install(target))).toContain('1 of its files are missing, absent among them');
});

test('room on the disk is looked at first', async () => {
  await forged({ ...MANIFEST, files: { large: { bytes: 1e15, sha256: '0'.repeat(64), executable: false } } });
  expect(String(await install(target))).toMatch(/has [\d.]+ GB free and 1000000\.0 GB are needed/);
  expect(existsSync(target.home)).toBe(false);
});

withBinding('a binding that does not load here is compiled again, and without a compiler that is said', async () => {
  await pack();
  const { binding } = runtimePaths(source.home, 'cpu');
  truncateSync(binding, 10);
  appendFileSync(binding, 'made for another machine');
  await pack();
  const error = await install(target);
  expect(error).toMatchObject({ code: 'backend' });
  expect((error as Error).message).toMatch(
    /the binding of the archive does not work here \(.*\); install one: on Debian and Ubuntu `sudo apt install g\+\+`/,
  );
  expect(builtIn(target.home)).toBeUndefined();
  const other = fakeMachine({ python: false });
  try {
    expect(await install(other)).toMatchObject({ made: true });
    // Besides, the compiler is asked which instructions it knows.
    const compiled = other.calls().filter((call) => call.startsWith('g++') && !call.includes('-fsyntax-only'));
    expect(compiled).toHaveLength(2);
  } finally {
    other.remove();
  }
});

withBinding('killed while unpacking, it is done again by the same call', async () => {
  await pack();
  const child = runTypeScript(
    `import { setUp } from './src/backend/setup.ts';
     const logger = { debug() {}, info() {}, warn() {} };
     console.log('begin');
     await setUp({ wanted: 'auto', home: ${JSON.stringify(target.home)}, from: ${JSON.stringify(archive)}, logger });`,
    target.env,
  );
  await child.said('begin');
  const place = nativeHome(target.home);
  const deadline = Date.now() + 30_000;
  while (!(existsSync(place) && readdirSync(place).some((name) => name.startsWith('staging-')))) {
    if (Date.now() > deadline) throw new Error('never began to unpack');
    await sleep(1);
  }
  child.kill();
  await child.ended;
  expect(builtIn(target.home)).toBeUndefined();
  expect(await install(target)).toMatchObject({ made: true });
  expect(readdirSync(place)).toHaveLength(1);
});
