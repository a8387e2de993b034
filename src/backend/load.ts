import { createRequire } from 'node:module';
import { join } from 'node:path';
import { env } from 'node:process';
import { PhasetuneError } from '../core/errors.js';
import {
  FREE_MEMORY,
  isNamedOutOfMemory,
  isOutOfMemory,
  namingMemorySync,
  outOfMemoryError,
} from '../core/out-of-memory.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import type { Backend, Device } from './backend.js';
import { cardFlags, cardSettings } from './card-settings.js';
import { cardCaches, visibleCard } from './native/card-caches.js';
import { driverPresent, findCard, NO_CARD } from './native/detect.js';
import { cacheHome } from './native/home.js';
import { limitedBelowBfloat16, oneDnnSetting } from './native/onednn.js';
import { bindingPackage, type Variant } from './native/paths.js';
import { cudaRelease, findRuntime, loadBinding, type NativeRuntime } from './native/runtime.js';
import * as tf from './tf.js';

/** How to load the backend. */
export interface LoadOptions {
  /** `auto` (default) takes the native library if it is set up and loads, otherwise WASM. */
  readonly device?: 'auto' | Device;
  /** Cache folder; default `PHASETUNE_HOME` or `~/.cache/phasetune`. */
  readonly home?: string;
  /** Lets TensorFlow's own log lines through to stderr. */
  readonly verbose?: boolean;
  readonly logger?: Logger;
  /** The card to compute on, as CUDA_VISIBLE_DEVICES names it. Default: the first of that variable. */
  readonly card?: string | undefined;
}

const require = createRequire(import.meta.url);
let current: Promise<Backend> | undefined;
let chosenCard: string | undefined;

/**
 * Loads TensorFlow.js with the best backend for this machine and sets it as the current one. A process has one
 * backend: a second call returns it, and throws (code `backend`) when it asks for another device.
 */
export async function loadBackend(options: LoadOptions = {}): Promise<Backend> {
  const { device = 'auto', card } = options;
  if (!current) chosenCard = card;
  current ??= load(options).catch((error: unknown) => {
    current = undefined;
    throw error;
  });
  const backend = await current;
  if (card !== undefined && card !== chosenCard)
    throw new PhasetuneError(
      'backend',
      `this process already computes on ${chosenCard === undefined ? 'the first card' : `card ${chosenCard}`}; card ${card} needs a separate process`,
    );
  if (device !== 'auto' && device !== backend.device)
    throw new PhasetuneError(
      'backend',
      `this process already computes on ${backend.device}; ${device} needs a separate process`,
    );
  return backend;
}

async function load({
  device = 'auto',
  home = cacheHome(),
  verbose = false,
  logger = silentLogger,
  card,
}: LoadOptions): Promise<Backend> {
  if (card !== undefined) env.CUDA_VISIBLE_DEVICES = card;
  if (device === 'wasm') return loadWasm();
  const runtime = chooseRuntime(home, device);
  if (device !== 'auto') {
    if (!runtime)
      throw new PhasetuneError('backend', `the native library for ${device} is not set up in ${home}`, {
        remedies: [{ task: 'setup', options: { [device]: true } }],
      });
    return loadNative(runtime, device, { home, verbose, logger });
  }
  if (!runtime) {
    logger.warn('the native TensorFlow library is not set up, continuing with WASM (many times slower): run `setup`');
    return loadWasm();
  }
  try {
    const backend = await loadNative(runtime, device, { home, verbose, logger });
    const idle = backend.device === 'cpu' ? await cardProblem(runtime.variant) : undefined;
    if (idle) logger.warn(idle);
    return backend;
  } catch (error) {
    // WASM would have no memory either.
    if (!(error instanceof PhasetuneError) || isNamedOutOfMemory(error)) throw error;
    logger.warn(`${error.message}; continuing with WASM`);
    return loadWasm();
  }
}

/** Why the processor computes although there may be a card; undefined where there is nothing to say. */
async function cardProblem(variant: Variant): Promise<string | undefined> {
  if (driverPresent() && !(await findCard(env)))
    return `${NO_CARD}, so the processor computes: run \`doctor\` to see what to do, or set \`device: cpu\``;
  if (variant === 'cuda')
    return 'the NVIDIA card cannot be used, continuing with the processor: run `doctor` to see why';
  if (!driverPresent()) return undefined;
  return 'there is an NVIDIA card, but only the library for the processor is set up: run `setup`';
}

/**
 * The build to load: for a card only the card's; for the processor either; for `auto` the card's
 * where there is a card.
 */
export function chooseRuntime(home: string, device: 'auto' | 'cuda' | 'cpu'): NativeRuntime | undefined {
  const order: readonly Variant[] =
    device === 'cuda' ? ['cuda'] : device === 'auto' && driverPresent() ? ['cuda', 'cpu'] : ['cpu', 'cuda'];
  return order.map((variant) => findRuntime(home, variant)).find((found) => found !== undefined);
}

async function loadNative(
  runtime: NativeRuntime,
  device: 'auto' | 'cuda' | 'cpu',
  { home, verbose, logger }: { home: string; verbose: boolean; logger: Logger },
): Promise<Backend> {
  if (!verbose) env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  if (limitedBelowBfloat16(env))
    logger.warn(
      'ONEDNN_MAX_CPU_ISA leaves oneDNN without bfloat16, on which TensorFlow would end this process: continuing without oneDNN',
    );
  env.TF_ENABLE_ONEDNN_OPTS = oneDnnSetting(env);
  // By default the library takes the card's whole memory when it starts.
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  if (runtime.variant === 'cuda') {
    // The binding computes on the last card and sessions on the first: there is to be one, and in `nvidia-smi`'s order.
    env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
    if (device === 'cpu') env.CUDA_VISIBLE_DEVICES = '-1';
    else {
      env.CUDA_VISIBLE_DEVICES ??= '0';
      const card = await visibleCard(env);
      const caches =
        card === undefined
          ? undefined
          : cardCaches(home, `${card}, CUDA ${cudaRelease(runtime.paths)}`, cardFlags(env.XLA_FLAGS));
      if (!caches) logger.debug('compiled programs are not kept from process to process');
      Object.assign(env, cardSettings(env, caches));
    }
  }
  restoreUtil();
  const binding = openBinding(runtime, verbose);
  // Not the package's index: that looks for a binding inside node_modules.
  require(join(bindingPackage, 'dist', 'register_all_kernels'));
  const { NodeJSKernelBackend } = require(join(bindingPackage, 'dist', 'nodejs_kernel_backend')) as {
    NodeJSKernelBackend: new (binding: unknown, packageName: string) => tf.KernelBackend;
  };
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu'), 3);
  if (!(await tf.setBackend('tensorflow'))) throw new Error('TensorFlow.js could not start the native backend');
  const usesCard = binding.isUsingGpuDevice();
  if (device === 'cuda' && !usesCard)
    throw new PhasetuneError('backend', 'TensorFlow found no NVIDIA card that it can use', {
      remedies: [{ task: 'doctor', note: 'to see why' }],
    });
  return { name: 'tensorflow', device: usesCard ? 'cuda' : 'cpu', version: binding.TF_Version, memory };
}

interface Binding {
  isUsingGpuDevice(): boolean;
  readonly TF_Version: string;
}

function openBinding({ paths }: NativeRuntime, verbose: boolean): Binding {
  try {
    return loadBinding(paths, verbose) as Binding;
  } catch (cause) {
    if (isOutOfMemory(cause) || isUnmapped(cause))
      throw outOfMemoryError({ what: 'loading the native TensorFlow library', remedies: [FREE_MEMORY] }, cause);
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    const remedies = [{ task: 'doctor', note: 'to see what to do' }] as const;
    throw new PhasetuneError(
      'backend',
      `the native TensorFlow library does not load (${reason})`,
      { remedies },
      { cause },
    );
  }
}

/** The linker's message for missing address space; for other causes it adds the reason. */
const isUnmapped = (cause: unknown): boolean =>
  cause instanceof Error && /failed to map segment from shared object\s*$/.test(cause.message.split('\n')[0]!);

async function loadWasm(): Promise<Backend> {
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { version_wasm: string };
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: new (size: { initial: number }) => object } })
    .WebAssembly;
  // Each memory of WebAssembly takes some GiB of address space, and what is asked for it there only
  // prints why it failed.
  const remedies = [FREE_MEMORY];
  namingMemorySync({ what: 'starting the WASM backend', remedies }, () => new Memory({ initial: 1 }));
  if (!(await tf.setBackend('wasm')))
    throw new PhasetuneError('backend', 'the WASM backend does not start: run `npm ci` again');
  return { name: 'wasm', device: 'wasm', version: wasm.version_wasm, memory };
}

const memory = () => {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes };
};

/**
 * The native backend's JavaScript calls `util.isNullOrUndefined`, which is gone from Node 23 on,
 * and `util.isArray`; Node 22 prints a warning for either.
 */
function restoreUtil(): void {
  const util = require('node:util') as Record<'isNullOrUndefined' | 'isArray', (value: unknown) => boolean>;
  util.isNullOrUndefined = (value) => value === null || value === undefined;
  util.isArray = Array.isArray;
}
