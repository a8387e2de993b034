import { env as processEnv, versions } from 'node:process';
import type { Remedy } from '../core/remedies.js';
import type { Logger } from '../telemetry/logger.js';
import type { Backend, Device } from './backend.js';
import { chooseRuntime, loadBackend } from './load.js';
import { cardCompilerProblem } from './native/card-compiler.js';
import { cardLibraryProblems } from './native/card-libraries.js';
import { cardNotes, cudaTooOld, oldCards } from './native/card-needs.js';
import {
  type Card,
  driverPresent,
  findCards,
  findCompiler,
  findPython,
  isProblem,
  NO_CARD,
  oldDriver,
  type Problem,
  platformProblem,
} from './native/detect.js';
import { cacheHome } from './native/home.js';
import type { Variant } from './native/paths.js';
import { probe } from './native/probe.js';
import { cudaRelease, findRuntime, type NativeRuntime } from './native/runtime.js';
import { productSpeed } from './product-speed.js';
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
  /** What a user of the card should know although nothing is wrong, as sentences. */
  readonly notes: readonly string[];
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
  const cards = await findCards(env);
  const card = cards[0];
  const platform = platformProblem();
  const problems = [...cardProblems(cards, env), ...(platform ? [platform] : await missingParts(home, cards, env))];
  const runtime = platform ? undefined : chooseRuntime(home, 'auto');
  const broken = runtime && (await tryRuntime(runtime, env, signal));
  if (broken) problems.push(...broken.problems);
  if (runtime?.variant === 'cuda' && !broken?.fatal)
    problems.push(
      ...(await cudaProblems(runtime, { cards, env, unused: broken?.unused, known: problems.length > 0, signal })),
    );
  const backend = await loadBackend({ device: !runtime || broken?.fatal ? 'wasm' : 'auto', home, verbose });
  const used = backend.device === 'cuda';
  return {
    backend: backend.name,
    device: backend.device,
    tensorflow: backend.name === 'tensorflow' ? backend.version : null,
    tfjs: tf.version.tfjs,
    cuda: card ? { ...card, used } : null,
    node: versions.node,
    home,
    gflops: await productSpeed(),
    problems,
    notes: used && card ? cardNotes(card) : [],
  };
}

function cardProblems(cards: readonly Card[], env: NodeJS.ProcessEnv): Problem[] {
  const old = (cards[0] && oldDriver(cards[0])) ?? oldCards(cards);
  if (old) return [old];
  if (cards.length > 0 || !driverPresent(env)) return [];
  const note = 'once `nvidia-smi` lists a card (in a container: start it with `--gpus all`)';
  return [{ what: NO_CARD, remedy: { task: 'setup', note } }];
}

/** What is not set up, and what set-up would miss. */
async function missingParts(home: string, cards: readonly Card[], env: NodeJS.ProcessEnv): Promise<Problem[]> {
  const variant: Variant = cards.length > 0 && !oldCards(cards) ? 'cuda' : 'cpu';
  if (findRuntime(home, variant) || (variant === 'cpu' && findRuntime(home, 'cuda'))) return [];
  const what = `the native library for ${variant === 'cuda' ? 'NVIDIA cards' : 'the processor'} is not set up in ${home}`;
  const needs = [await findPython(env), await findCompiler(env)].filter((found) => isProblem(found));
  return [...needs, { what, remedy: { task: 'setup' } }];
}

/** How a runtime fared in a separate process. */
interface Trial {
  readonly problems: readonly Problem[];
  /** True for a problem that loading the runtime here would share. */
  readonly fatal: boolean;
  /** What the library complained of, where it uses no card. */
  readonly unused: readonly string[] | undefined;
}

async function tryRuntime({ paths }: NativeRuntime, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Trial> {
  const result = await probe(paths.binding, env, signal);
  if (typeof result !== 'string')
    return { problems: [], fatal: false, unused: result.usesCard ? undefined : result.complaints };
  const what = `the native library does not work (${result})`;
  const remedy: Remedy = { task: 'setup', note: `after deleting ${paths.root}` };
  return { problems: [{ what, remedy }], fatal: true, unused: undefined };
}

/** What keeps the build for cards from a card, or from compiling for it. */
async function cudaProblems(
  { paths }: NativeRuntime,
  found: {
    readonly cards: readonly Card[];
    readonly env: NodeJS.ProcessEnv;
    readonly unused: readonly string[] | undefined;
    /** True where a problem with the card or its driver is known. */
    readonly known: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Problem[]> {
  const { cards, env, unused, known, signal } = found;
  const uncompiled = cards.length > 0 ? await cardCompilerProblem(paths, env, signal) : undefined;
  const old = cudaTooOld(cudaRelease(paths), cards);
  const lasting = [...(old ? [old] : []), ...(uncompiled ? [uncompiled] : [])];
  if (!unused) return lasting;
  const hidden = env.CUDA_VISIBLE_DEVICES;
  const name = cards[0]?.name ?? 'a card';
  if (hidden !== undefined && !/^\s*(\d|GPU-|MIG-)/.test(hidden)) {
    const what = `TensorFlow does not use ${cards.length > 0 ? `the ${name}` : name}: CUDA_VISIBLE_DEVICES=${hidden} hides every card`;
    return [{ what, remedy: { advice: 'unset CUDA_VISIBLE_DEVICES, or set it to the number of a card' } }, ...lasting];
  }
  const libraries = await cardLibraryProblems(paths, env, signal);
  if (libraries.length > 0 || known) return [...libraries, ...lasting];
  const said = unused.length > 0 ? ` (${unused.join('; ')})` : '';
  const what = `TensorFlow does not use ${cards.length > 0 ? `the ${name}` : name}${said}, although every library of CUDA opens`;
  const advice = 'check `nvidia-smi` and CUDA_VISIBLE_DEVICES, and update the driver';
  return [{ what, remedy: { advice } }, ...lasting];
}
