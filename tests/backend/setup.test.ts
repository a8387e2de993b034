import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { nativeHome } from '../../src/backend/native/home.js';
import { extraRequirements } from '../../src/backend/native/libraries.js';
import { runtimePaths } from '../../src/backend/native/paths.js';
import { findRuntime } from '../../src/backend/native/runtime.js';

import { setUp } from '../../src/backend/setup.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { type FakeMachine, fakeMachine, putProgram, realRuntime, runTypeScript } from '../helpers/fake-machine.js';
import { writeWheel } from '../helpers/wheel.js';

let machine: FakeMachine | undefined;
afterEach(() => machine?.remove());

/** Those that end with a real product need a real binding. */
const withBinding = realRuntime() ? test : test.skip;
if (!realRuntime()) console.warn('skipped: set-up as a whole, since the native library is not set up on this machine');

const install = (on: FakeMachine, signal?: AbortSignal) =>
  setUp({ wanted: 'cpu', home: on.home, env: on.env, logger: silentLogger, signal });

const left = (on: FakeMachine) => readdirSync(nativeHome(on.home)).filter((name) => !name.startsWith('tensorflow-'));

withBinding('everything is fetched, unpacked, compiled and tried, and only what is needed stays', async () => {
  machine = fakeMachine();
  expect((await install(machine)).made).toBe(true);
  const { paths } = findRuntime(machine.home, 'cpu')!;
  expect(readdirSync(join(paths.root, 'tensorflow')).sort()).toEqual([
    'include',
    'libtensorflow_cc.so.2',
    'libtensorflow_framework.so.2',
  ]);
  expect(JSON.parse(readFileSync(paths.ready, 'utf8'))).toEqual({
    tensorflow: '2.21.0',
    tfjs: '4.22.0',
    variant: 'cpu',
    compiler: 'g++ (fake) 12.34',
  });
  expect(left(machine)).toEqual([]);
});

withBinding('for cards, what they need of CUDA is fetched, and newer ones once a newer card is there', async () => {
  machine = fakeMachine();
  const forCards = () => setUp({ wanted: 'cuda', home: machine!.home, env: machine!.env, logger: silentLogger });
  const fetched = () => machine!.calls().flatMap((call) => /^pip .* (nvidia-\S+)$/.exec(call)?.[1] ?? []);
  putProgram(machine, 'nvidia-smi', `console.log('NVIDIA Test 4090, 570.86, 8.9');`);
  expect((await forCards()).made).toBe(true);
  expect(fetched()).toEqual(['nvidia-cublas-cu12==12.5.3', 'nvidia-cuda-nvrtc-cu12==12.5']);
  const { paths } = findRuntime(machine.home, 'cuda')!;
  const files = readdirSync(join(paths.root, 'nvidia'), { recursive: true }).map(String);
  expect(files.filter((name) => name.includes('.so')).sort()).toEqual([
    'cublas/lib/libcublas.so.12',
    'cuda_nvrtc/lib/libnvrtc-builtins.so.12.5',
  ]);
  expect((await forCards()).made).toBe(false);
  putProgram(machine, 'nvidia-smi', `console.log('NVIDIA Test 5090, 570.86, 12.0');`);
  expect((await forCards()).made).toBe(true);
  expect(fetched().slice(2)).toEqual(['nvidia-cublas-cu12<13.0,>=12.5.3', 'nvidia-cuda-nvrtc-cu12<13.0,>=12.5']);
});

withBinding('a second call does nothing', async () => {
  machine = fakeMachine();
  await install(machine);
  const calls = machine.calls();
  expect((await install(machine)).made).toBe(false);
  expect(machine.calls()).toEqual(calls);
});

withBinding('a library that lost its end is fetched anew', async () => {
  machine = fakeMachine();
  await install(machine);
  truncateSync(join(runtimePaths(machine.home, 'cpu').root, 'tensorflow/libtensorflow_cc.so.2'), 100);
  expect(findRuntime(machine.home, 'cpu')).toBeUndefined();
  expect((await install(machine)).made).toBe(true);
});

/** States of the cache folder in the order in which set-up goes through them. */
const MOMENTS: readonly [string, (home: string) => boolean][] = [
  ['while pip is fetching', (home) => staged(home, (names) => names.some((name) => name.startsWith('pip-')))],
  ['when the wheel is there', (home) => existsSync(join(nativeHome(home), 'downloads'))],
  ['while unpacking', (home) => staged(home, (names) => names.includes('root'))],
  ['when the libraries are in place', (home) => existsSync(runtimePaths(home, 'cpu').inventory)],
  ['while compiling', (home) => staged(home, (names) => names.includes('built'))],
  ['while trying the product', (home) => existsSync(runtimePaths(home, 'cpu').binding)],
];

function staged(home: string, wanted: (names: string[]) => boolean): boolean {
  try {
    const place = nativeHome(home);
    return readdirSync(place).some((name) => name.startsWith('staging-') && wanted(readdirSync(join(place, name))));
  } catch {
    return false;
  }
}

const inChild = ({ home, env }: FakeMachine) =>
  runTypeScript(
    `import { setUp } from './src/backend/setup.ts';
     const logger = { debug() {}, info() {}, warn() {} };
     console.log('begin');
     const { made } = await setUp({ wanted: 'cpu', home: ${JSON.stringify(home)}, logger });
     console.log(JSON.stringify({ made }));`,
    env,
  );

withBinding('killed at any instant, it continues where it was and leaves nothing half done', async () => {
  machine = fakeMachine({ delayMs: 200 });
  for (const [moment, reached] of MOMENTS) {
    const child = inChild(machine);
    await child.said('begin');
    const deadline = Date.now() + 30_000;
    while (!reached(machine.home) && Date.now() < deadline) await sleep(1);
    expect(reached(machine.home), moment).toBe(true);
    child.kill();
    await child.ended;
    expect(findRuntime(machine.home, 'cpu'), moment).toBeUndefined();
    // The lock that it left is taken over at once: its process no longer lives.
    expect(existsSync(`${nativeHome(machine.home)}.lock`), moment).toBe(true);
  }
  expect((await install(machine)).made).toBe(true);
  expect(left(machine)).toEqual([]);
  // Two killed downloads at most (the second one may have been killed between its end and its
  // rename), then never again.
  expect(machine.calls().filter((call) => call.startsWith('pip')).length).toBeLessThanOrEqual(3);
});

withBinding('two at once: one does the work, the other waits and finds it done', async () => {
  machine = fakeMachine({ delayMs: 200 });
  const children = [inChild(machine), inChild(machine)];
  const results = await Promise.all(children.map(({ ended }) => ended));
  expect(results.map(({ stderr }) => stderr)).toEqual(['', '']);
  expect(results.map(({ stdout }) => stdout.includes('"made":true')).sort()).toEqual([false, true]);
  expect(machine.calls().filter((call) => call.startsWith('pip'))).toHaveLength(1);
});

test('an interrupt ends it, and takes lock and half-done work away', async () => {
  machine = fakeMachine({ delayMs: 20_000 });
  const controller = new AbortController();
  const running = install(machine, controller.signal);
  const { home } = machine;
  while (!MOMENTS[0]![1](home)) await sleep(5);
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: 'interrupted' });
  expect(left(machine)).toEqual([]);
  expect(existsSync(`${nativeHome(home)}.lock`)).toBe(false);
});

test.each([
  [
    { python: false },
    'there is no python3 on the PATH; install Python with pip: on Debian and Ubuntu `sudo apt install python3 python3-pip`',
  ],
  [
    { pip: 'no pip' },
    'python3 has no pip (/usr/bin/python3: No module named pip); install Python with pip: on Debian and Ubuntu `sudo apt install python3 python3-pip`',
  ],
  [
    { compiler: false },
    'there is no C++ compiler on the PATH (g++, c++ or clang++); install one: on Debian and Ubuntu `sudo apt install g++`',
  ],
  [{ pip: 'unreachable' }, 'PyPI cannot be reached to fetch tensorflow-cpu==2.21.0; check the network'],
  [{ pip: 'none' }, 'pip finds no wheel of tensorflow-cpu==2.21.0 for Linux on x86-64; check the package index'],
  [{ pip: 'disk full' }, 'the disk is full while fetching tensorflow-cpu==2.21.0; free some space'],
] as const)('%o: says what is missing and what to do', async (options, message) => {
  machine = fakeMachine(options);
  const error = await install(machine).catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: 'backend' });
  expect((error as Error).message).toContain(message);
  expect(findRuntime(machine.home, 'cpu')).toBeUndefined();
});

test('everything that is missing is named at once, and nothing is written', async () => {
  machine = fakeMachine({ python: false, compiler: false });
  await expect(install(machine)).rejects.toThrow(/no python3 .*; there is no C\+\+ compiler/);
  expect(existsSync(machine.home)).toBe(false);
});

test("where the machine's Python has no wheel, another one's is taken", async () => {
  machine = fakeMachine({ pip: 'none for this python' });
  await install(machine).catch(() => {});
  expect(existsSync(runtimePaths(machine.home, 'cpu').inventory)).toBe(true);
  expect(
    machine
      .calls()
      .filter((call) => call.startsWith('pip'))
      .map((call) => call.includes('--python-version 3.12')),
  ).toEqual([false, true]);
});

test('a damaged wheel is not kept for the next time', async () => {
  machine = fakeMachine();
  const wheel = join(machine.env.FAKE_WHEELS!, 'tensorflow_cpu-2.21.0-py3-none-any.whl');
  const whole = readFileSync(wheel);
  writeFileSync(wheel, whole.subarray(0, whole.length - 40));
  await expect(install(machine)).rejects.toThrow(/expected a whole wheel/);
  writeFileSync(wheel, whole);
  await install(machine).catch(() => {});
  expect(existsSync(runtimePaths(machine.home, 'cpu').inventory)).toBe(true);
});

test('a wheel without the libraries is refused by name', async () => {
  machine = fakeMachine();
  writeWheel(join(machine.env.FAKE_WHEELS!, 'tensorflow_cpu-2.21.0-py3-none-any.whl'), {
    'tensorflow/__init__.py': '',
  });
  await expect(install(machine)).rejects.toThrow(/holds no tensorflow\/libtensorflow_cc\.so\.2/);
});

test("the compiler's first error is told", async () => {
  machine = fakeMachine();
  delete machine.env.FAKE_BINDING;
  await expect(install(machine)).rejects.toThrow(/g\+\+ does not compile .*x\.cc:1:1: error: this compiler cannot/);
});

test('a binding that does not load is told with the reason and not marked as ready', async () => {
  machine = fakeMachine();
  const folder = join(machine.env.FAKE_WHEELS!, 'broken');
  mkdirSync(folder);
  for (const name of ['tfjs_binding.node', 'quiet.node']) writeFileSync(join(folder, name), 'no library');
  machine.env.FAKE_BINDING = folder;
  await expect(install(machine)).rejects.toThrow(
    /does not work on this machine: .*(invalid ELF header|file too short)/,
  );
  expect(findRuntime(machine.home, 'cpu')).toBeUndefined();
});

test('a cache folder that cannot be made is told', async () => {
  machine = fakeMachine();
  writeFileSync(machine.home, 'a file');
  await expect(install(machine)).rejects.toThrow(/cannot be written \(ENOTDIR\): set PHASETUNE_HOME/);
});

test("the wheels for CUDA are read off the wheel's metadata", () => {
  const metadata = `Requires-Dist: numpy>=1.26.0
Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"
Requires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7 ; sys_platform == 'linux' and extra == 'and-cuda'
Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (python_version < "3.13") and extra == "gcs-filesystem"
`;
  expect(extraRequirements(metadata, 'and-cuda')).toEqual([
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-nccl-cu12<3.0,>=2.27.7',
  ]);
});
