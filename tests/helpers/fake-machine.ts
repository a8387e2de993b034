import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseRuntime } from '../../src/backend/load.js';
import { cacheHome } from '../../src/backend/native/home.js';
import { PROGRAM } from './program.js';
import { writeWheel } from './wheel.js';

/** How the stand-in for pip behaves. */
export type PipMode = 'works' | 'no pip' | 'unreachable' | 'none for this python' | 'none' | 'disk full';

/**
 * A folder with programs of our own to put on the PATH, so that set-up can be tried without a
 * network or an hour's time.
 */
export interface FakeMachine {
  /** Cache folder; does not exist yet. */
  readonly home: string;
  /** Environment with nothing but the programs asked for on the PATH. */
  readonly env: NodeJS.ProcessEnv;
  /** Command lines of the programs, in the order of their starts, without questions for a version. */
  calls(): string[];
  remove(): void;
}

const PYTHON = `
const { appendFileSync, copyFileSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const args = process.argv.slice(2);
const { FAKE_LOG, FAKE_PIP, FAKE_DELAY_MS, FAKE_WHEELS, TMPDIR } = process.env;
const fail = (text) => { console.error(text); process.exit(1); };
if (FAKE_PIP === 'no pip') fail('/usr/bin/python3: No module named pip');
if (args[2] === '--version') { console.log('pip 99.1 from nowhere (python 3.99)'); process.exit(0); }
appendFileSync(FAKE_LOG, ['pip', ...args.slice(2)].join(' ') + '\\n');
const requirement = args.at(-1);
const wheel = join(FAKE_WHEELS, requirement.split(/[<>=]/)[0].replaceAll('-', '_') + '-2.21.0-py3-none-any.whl');
if (FAKE_PIP === 'unreachable') fail("WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'\\nERROR: No matching distribution found for " + requirement);
if (FAKE_PIP === 'disk full') fail('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device');
if (FAKE_PIP === 'none' || (FAKE_PIP === 'none for this python' && !args.includes('--python-version'))) fail('ERROR: No matching distribution found for ' + requirement);
console.log('  Downloading ' + basename(wheel) + ' (1.0 MB)');
writeFileSync(join(TMPDIR, 'half.whl'), 'PK');
setTimeout(() => copyFileSync(wheel, join(args[args.indexOf('--dest') + 1], basename(wheel))), Number(FAKE_DELAY_MS ?? 0));
`;

const COMPILER = `
const { appendFileSync, copyFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const args = process.argv.slice(2);
const { FAKE_BINDING, FAKE_DELAY_MS, FAKE_LOG } = process.env;
if (args[0] === '--version') { console.log('g++ (fake) 12.34'); process.exit(0); }
appendFileSync(FAKE_LOG, ['g++', ...args].join(' ') + '\\n');
const out = args[args.indexOf('-o') + 1];
if (!FAKE_BINDING) { console.error('x.cc:1:1: error: this compiler cannot'); process.exit(1); }
setTimeout(() => copyFileSync(join(FAKE_BINDING, basename(out)), out), Number(FAKE_DELAY_MS ?? 0));
`;

/** What the wheel of the processor's build must hold, with contents of our own. */
const FILES = {
  'tensorflow/libtensorflow_cc.so.2': 'not a library\n'.repeat(400_000),
  'tensorflow/libtensorflow_framework.so.2': 'neither is this',
  'tensorflow/include/tensorflow/c/c_api.h': '// c',
  'tensorflow/include/tensorflow/core/platform/ctstring.h': '// core',
  'tensorflow/include/tsl/platform/ctstring.h': '// tsl',
  'tensorflow/include/xla/tsl/c/tsl_status.h': '// xla',
  'tensorflow/python/large.so': 'not needed',
};

/** Wheels of the build for cards; of CUDA, two packages that are wanted and one that is not. */
const CARD_WHEELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tensorflow: {
    ...FILES,
    'tensorflow-2.21.0.dist-info/METADATA': ['cublas-cu12<13.0,>=12.5.3', 'cuda-nvrtc-cu12<13.0,>=12.5', 'nccl-cu12>=2']
      .map((name) => `Requires-Dist: nvidia-${name}; extra == "and-cuda"\n`)
      .join(''),
  },
  nvidia_cublas_cu12: { 'nvidia/cublas/lib/libcublas.so.12': 'blas', 'nvidia/cublas/lib/libnvblas.so.12': 'no' },
  nvidia_cuda_nvrtc_cu12: {
    'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.5': 'builtins',
    'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.alt.so.12.5': 'no',
  },
};

/**
 * Makes such a folder. The compiler gives the binding of the native runtime that is set up on this machine, which finds
 * the real libraries by LD_LIBRARY_PATH; where there is none it fails.
 */
export function fakeMachine(
  options: { pip?: PipMode; python?: boolean; compiler?: boolean; delayMs?: number } = {},
): FakeMachine {
  const { pip = 'works', python = true, compiler = true, delayMs = 0 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-machine-'));
  const [bin, wheels, log] = ['bin', 'wheels', 'log'].map((name) => join(folder, name)) as [string, string, string];
  mkdirSync(bin);
  mkdirSync(wheels);
  if (python) putProgram({ env: { PATH: bin } }, 'python3', PYTHON);
  if (compiler) putProgram({ env: { PATH: bin } }, 'g++', COMPILER);
  writeWheel(join(wheels, 'tensorflow_cpu-2.21.0-py3-none-any.whl'), FILES);
  for (const [name, files] of Object.entries(CARD_WHEELS))
    writeWheel(join(wheels, `${name}-2.21.0-py3-none-any.whl`), files);
  const real = realRuntime();
  const env: NodeJS.ProcessEnv = {
    PATH: bin,
    FAKE_LOG: log,
    FAKE_PIP: pip,
    FAKE_WHEELS: wheels,
    FAKE_DELAY_MS: String(delayMs),
    ...(real && { FAKE_BINDING: real.paths.built, LD_LIBRARY_PATH: join(real.paths.root, 'tensorflow') }),
  };
  return {
    home: join(folder, 'home'),
    env,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Puts a program of JavaScript on a machine's PATH. */
export function putProgram({ env }: Pick<FakeMachine, 'env'>, name: string, source: string): void {
  writeFileSync(join(env.PATH!, name), `#!${process.execPath}\n${source}`);
  chmodSync(join(env.PATH!, name), 0o755);
}

/** The native runtime that is set up on this machine. */
export const realRuntime = () => chooseRuntime(cacheHome(), 'cpu');

/** A TypeScript program in a process of its own. */
export interface Running {
  kill(): void;
  /** Resolves when it has printed a line with this text. */
  said(text: string): Promise<void>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs TypeScript with the repository as its folder; imports are relative to that. */
export function runTypeScript(source: string, env: NodeJS.ProcessEnv = process.env): Running {
  return runNode(['--import', 'tsx', '--input-type=module', '-e', source], env);
}

/** Runs the command line. */
export const runCli = (args: readonly string[], env: NodeJS.ProcessEnv = process.env): Running =>
  runNode([...PROGRAM, ...args], env);

function runNode(args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    kill: () => child.kill('SIGKILL'),
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => stdout.includes(text) && resolve();
        child.stdout.on('data', look);
        child.on('close', () => reject(new Error(`ended without saying ${text}: ${stderr}`)));
        look();
      }),
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr }))),
  };
}
