import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { cardCompilerProblem } from '../../src/backend/native/card-compiler.js';
import { driverVersion, oldDriver, roomProblem } from '../../src/backend/native/detect.js';
import { runtimePaths } from '../../src/backend/native/paths.js';
import { setUp } from '../../src/backend/setup.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { type FakeMachine, fakeMachine, putProgram, realRuntime, runCli } from '../helpers/fake-machine.js';

let machine: FakeMachine | undefined;
afterEach(() => machine?.remove());

const command = async (on: FakeMachine, ...args: string[]) => {
  const { code, stdout, stderr } = await runCli(args, { ...on.env, PHASETUNE_HOME: on.home }).ended;
  return { code, stdout, stderr, result: JSON.parse(stdout.trimEnd().split('\n').at(-1) || '{}') };
};

const KEYS = ['backend', 'device', 'tensorflow', 'cuda', 'node', 'problems'];

test('on a bare machine: WASM, its speed, and a fix for everything that is missing', async () => {
  machine = fakeMachine({ python: false, compiler: false });
  const { code, result } = await command(machine, 'doctor', '--json');
  expect(code).toBe(0);
  expect(Object.keys(result)).toEqual(expect.arrayContaining(KEYS));
  expect(result).toMatchObject({
    backend: 'wasm',
    device: 'wasm',
    tensorflow: null,
    cuda: null,
    node: process.versions.node,
  });
  expect(result.gflops).toBeGreaterThan(0);
  const problems = result.problems as { what: string; fix: string }[];
  expect(problems.map(({ what }) => what)).toEqual([
    'there is no python3 on the PATH',
    'there is no C++ compiler on the PATH (g++, c++ or clang++)',
    `the native library for the processor is not set up in ${machine.home}`,
  ]);
  expect(problems.map(({ fix }) => fix)).toEqual([
    expect.stringContaining('apt install python3 python3-pip'),
    expect.stringContaining('apt install g++'),
    'run `phasetune setup`',
  ]);
});

test('without python and g++ setup says so and continues with WASM; asked for by name it is an error', async () => {
  machine = fakeMachine({ python: false, compiler: false });
  const auto = await command(machine, 'setup', '--json');
  expect(auto).toMatchObject({ code: 0, result: { backend: 'wasm', device: 'wasm' } });
  expect(auto.stderr).toMatch(/no python3 on the PATH.*no C\+\+ compiler/);
  const named = await command(machine, 'setup', '--cpu', '--json');
  expect(named).toMatchObject({ code: 5, result: { error: { code: 'backend' } } });
  expect((await command(machine, 'setup', '--cpu', '--cuda', '--json')).code).toBe(2);
});

(realRuntime() ? test : test.skip)(
  'a library that does not load is a problem with a fix, and WASM computes',
  async () => {
    machine = fakeMachine();
    await setUp({ wanted: 'cpu', home: machine.home, env: machine.env, logger: silentLogger });
    // With the real libraries out of reach the binding finds what lies beside it, which is no library.
    delete machine.env.LD_LIBRARY_PATH;
    const { code, result } = await command(machine, 'doctor', '--json');
    expect(code).toBe(0);
    expect(result).toMatchObject({ backend: 'wasm', device: 'wasm' });
    expect(result.problems).toHaveLength(1);
    expect(result.problems[0].what).toMatch(/does not work \(.*invalid ELF header/);
    expect(result.problems[0].fix).toContain('run `phasetune setup`');
  },
);

(realRuntime() ? test : test.skip)(
  'a card without what XLA compiles with, or with an assembler that does not run, is reported with a fix',
  async () => {
    machine = fakeMachine();
    await setUp({ wanted: 'cpu', home: machine.home, env: machine.env, logger: silentLogger });
    const { root } = runtimePaths(machine.home, 'cuda');
    renameSync(runtimePaths(machine.home, 'cpu').root, root);
    putProgram(machine, 'nvidia-smi', `console.log('NVIDIA Test 9000, 570.86.15');`);
    const toolkit = join(root, 'nvidia', 'cuda_nvcc');
    const [assembler, library] = [join(toolkit, 'bin', 'ptxas'), join(toolkit, 'nvvm', 'libdevice', 'libdevice.10.bc')];
    const { result } = await command(machine, 'doctor', '--json');
    expect(result.problems).toEqual([
      expect.objectContaining({ what: expect.stringContaining('there is no NVIDIA driver that programs can reach') }),
      {
        what: expect.stringMatching(/^of what TensorFlow needs for the card, libcudart\.so\.12, .* cannot be found$/),
        fix: `run \`phasetune setup --cuda\` after deleting ${root}`,
      },
      {
        what: `XLA finds nothing to compile with for the card (${assembler} and ${library} missing); only \`compile: none\` works`,
        fix: `run \`phasetune setup --cuda\` after deleting ${root}`,
      },
    ]);
    for (const path of [assembler, library]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `#!${process.execPath}\nprocess.exitCode = process.argv[2] === '--version' ? 0 : 1;`);
    }
    const problem = await cardCompilerProblem({ root }, machine.env);
    expect(problem?.what).toContain(`(${assembler} cannot be run)`);
    chmodSync(assembler, 0o755);
    expect(await cardCompilerProblem({ root }, machine.env)).toBeUndefined();
  },
);

(realRuntime() ? test : test.skip)(
  'with only the build for cards and no driver, the driver is the problem',
  async () => {
    machine = fakeMachine();
    await setUp({ wanted: 'cpu', home: machine.home, env: machine.env, logger: silentLogger });
    renameSync(runtimePaths(machine.home, 'cpu').root, runtimePaths(machine.home, 'cuda').root);
    const { result } = await command(machine, 'doctor', '--json');
    expect(result).toMatchObject({ backend: 'tensorflow', device: 'cpu', cuda: null });
    expect(result.problems[0]).toEqual({
      what: 'there is no NVIDIA driver that programs can reach: libcuda.so.1 cannot be found',
      fix: expect.stringContaining('install the driver'),
    });
  },
);

test('a card that is too old for the library is reported by name, also by set-up', async () => {
  machine = fakeMachine({ python: false, compiler: false });
  putProgram(machine, 'nvidia-smi', `console.log('NVIDIA Test 900, 570.86.15, 5.2');`);
  const { result } = await command(machine, 'doctor', '--json');
  expect(result.cuda).toEqual({ name: 'NVIDIA Test 900', driver: '570.86.15', capability: '5.2', used: false });
  const what =
    "TensorFlow's library for cards needs compute capability 6.0 or newer, and this machine has the NVIDIA Test 900 (compute capability 5.2)";
  expect(result.problems[0]).toEqual({ what, fix: 'run `phasetune setup --cpu` to compute on the processor' });
  expect(result.problems.at(-1).what).toContain('the native library for the processor is not set up');
  const set = await command(machine, 'setup', '--cuda', '--json');
  expect(set).toMatchObject({ code: 5, result: { error: { message: expect.stringContaining(what) } } });
});

test('a card with an old driver is told by name, and that its library is not set up', async () => {
  machine = fakeMachine({ python: false, compiler: false });
  putProgram(machine, 'nvidia-smi', `console.log('NVIDIA Test 9000, 470.82.01');`);
  const { result } = await command(machine, 'doctor', '--json');
  expect(result.cuda).toEqual({ name: 'NVIDIA Test 9000', driver: '470.82.01', used: false });
  const said = (result.problems as { what: string }[]).map(({ what }) => what);
  expect(said[0]).toBe('the NVIDIA driver 470.82.01 is too old for CUDA 12');
  expect(said.at(-1)).toContain('the native library for NVIDIA cards is not set up');
});

test('the driver version is read from the text of its file, also of the open kernel module', () => {
  expect(driverVersion('NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024')).toBe(
    '550.54.15',
  );
  expect(driverVersion('NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build')).toBe(
    '570.86.15',
  );
  expect(driverVersion('something else')).toBeUndefined();
  expect(oldDriver({ name: 'x', driver: '550.54.15' })).toBeUndefined();
  expect(oldDriver({ name: 'x', driver: 'unknown' })).toBeUndefined();
});

test('too little room is told for a folder that does not exist yet', async () => {
  machine = fakeMachine();
  mkdirSync(machine.home);
  const folder = join(machine.home, 'not', 'there');
  expect(await roomProblem(folder, 1)).toBeUndefined();
  expect((await roomProblem(folder, 1e18))?.what).toMatch(/has [\d.]+ GB free and 1000000000\.0 GB are needed/);
});
