import { env as processEnv, versions } from 'node:process';
import type { Logger } from '../telemetry/logger.js';
import type { Backend, Device } from './backend.js';
import { chooseRuntime, loadBackend } from './load.js';
import { cardCompilerProblem } from './native/card-compiler.js';
import {
  type Card,
  driverPresent,
  findCard,
  findCompiler,
  findPython,
  isProblem,
  NO_CARD,
  oldDriver,
  type Problem,
  platformProblem,
} from './native/detect.js';
import { cacheHome, type Variant } from './native/paths.js';
import { probe } from './native/probe.js';
import { findRuntime, type NativeRuntime } from './native/runtime.js';
import * as tf from './tf.js';

/** The state of the backend on this machine. */
export interface Diagnosis {
  readonly backend: Backend['name'];
  readonly device: Device;
  /** Version of the native library in use; null on WASM. */
  readonly tensorflow: string | null;
  readonly tfjs: string;
  /** The first NVIDIA card, and whether it is what computes; null where there is none. */
  readonly cuda: (Card & { readonly used: boolean }) | null;
  readonly node: string;
  /** Cache folder. */
  readonly home: string;
  /** Speed of a float32 product of two matrices of 1024 x 1024, in units of 10^9 floating-point operations a second. */
  readonly gflops: number;
  readonly problems: readonly Problem[];
}

/** Where to look. */
export interface DoctorOptions {
  readonly home?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly logger: Logger;
  readonly verbose?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Finds out what computes on this machine, how fast, and what stands in the way of something
 * better. Loads the backend.
 */
export async function diagnose(options: DoctorOptions): Promise<Diagnosis> {
  const { env = processEnv, home = cacheHome(env), signal, verbose = false } = options;
  const card = await findCard(env);
  const platform = platformProblem();
  const problems = [...cardProblems(card, env), ...(platform ? [platform] : await missingParts(home, card, env))];
  const runtime = platform ? undefined : chooseRuntime(home, 'auto');
  const broken = runtime && (await tryRuntime(runtime, card, env, signal));
  if (broken) problems.push(broken.problem);
  const uncompiled = card && runtime?.variant === 'cuda' && (await cardCompilerProblem(runtime.paths, env, signal));
  if (uncompiled) problems.push(uncompiled);
  const backend = await loadBackend({ device: !runtime || broken?.fatal ? 'wasm' : 'auto', home, verbose });
  return {
    backend: backend.name,
    device: backend.device,
    tensorflow: backend.name === 'tensorflow' ? backend.version : null,
    tfjs: tf.version.tfjs,
    cuda: card ? { ...card, used: backend.device === 'cuda' } : null,
    node: versions.node,
    home,
    gflops: await productSpeed(),
    problems,
  };
}

function cardProblems(card: Card | undefined, env: NodeJS.ProcessEnv): Problem[] {
  const old = card && oldDriver(card);
  if (old) return [old];
  if (card || !driverPresent(env)) return [];
  const note = 'once `nvidia-smi` lists a card (in a container: start it with `--gpus all`)';
  return [{ what: NO_CARD, remedy: { task: 'setup', note } }];
}

/** What is not set up, and what set-up would miss. */
async function missingParts(home: string, card: Card | undefined, env: NodeJS.ProcessEnv): Promise<Problem[]> {
  const variant: Variant = card ? 'cuda' : 'cpu';
  if (findRuntime(home, variant) || (variant === 'cpu' && findRuntime(home, 'cuda'))) return [];
  const what = `the native library for ${card ? 'NVIDIA cards' : 'the processor'} is not set up in ${home}`;
  const needs = [await findPython(env), await findCompiler(env)].filter((found) => isProblem(found));
  return [...needs, { what, remedy: { task: 'setup' } }];
}

/** Tries a runtime in a separate process. A fatal problem is one that loading it here would share. */
async function tryRuntime(
  { variant, paths }: NativeRuntime,
  card: Card | undefined,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<{ problem: Problem; fatal: boolean } | undefined> {
  const result = await probe(paths.binding, env, signal);
  if (typeof result === 'string') {
    const what = `the native library does not work (${result})`;
    return { problem: { what, remedy: { task: 'setup', note: `after deleting ${paths.root}` } }, fatal: true };
  }
  if (variant !== 'cuda' || !card || result.usesCard) return undefined;
  const said = result.complaints.length > 0 ? ` (${result.complaints.join('; ')})` : '';
  const what = `TensorFlow does not use the ${card.name}${said}`;
  const advice = 'check `nvidia-smi` and CUDA_VISIBLE_DEVICES, and update the driver';
  return { problem: { what, remedy: { advice } }, fatal: false };
}

const SIDE = 1024;
const LONG_ENOUGH_MS = 300;

/**
 * Doubles the number of products until they take long enough to be timed; the last one's elements
 * are read to be sure of all.
 */
async function productSpeed(): Promise<number> {
  const [a, b] = [0, 1].map((seed) => tf.randomUniform([SIDE, SIDE], -1, 1, 'float32', seed));
  try {
    for (let products = 1; ; products *= 2) {
      const start = performance.now();
      for (let i = 1; i < products; i++) tf.matMul(a!, b!).dispose();
      const last = tf.matMul(a!, b!);
      await last.data();
      last.dispose();
      const elapsedMs = performance.now() - start;
      if (elapsedMs >= LONG_ENOUGH_MS) return (products * 2 * SIDE ** 3) / elapsedMs / 1e6;
    }
  } finally {
    tf.dispose([a!, b!]);
  }
}
