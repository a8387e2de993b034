import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../core/hash.js';
import { QUIET, SESSION } from './addon-sources.js';
import { nativeHome, TENSORFLOW_VERSION } from './home.js';
import { instructionSets, processorFlags } from './instructions.js';

/** Version of the Node-API that the binding is compiled for; every Node from 16 on has it. */
export const NODE_API_VERSION = 8;

/** Folder of the kernels that are compiled with the binding. */
export const kernelFolder = fileURLToPath(new URL('./kernels/', import.meta.url));

/**
 * Names what is compiled beside the package's sources and for which instructions, so that another
 * build is not taken for this one: an older one, or that of another machine with the same folder.
 */
const BUILD = [
  instructionSets(processorFlags())[0]!.name,
  sha256(
    [
      QUIET,
      SESSION,
      ...readdirSync(kernelFolder)
        .sort()
        .map((name) => readFileSync(join(kernelFolder, name), 'utf8')),
    ].join('\n'),
  ).slice(0, 8),
].join('-');

const require = createRequire(import.meta.url);

/**
 * Where the build puts what is needed of tfjs-node (scripts/ship-binding.mjs): in no other package,
 * whose install script would run.
 */
const shipped = fileURLToPath(new URL('../../tfjs-node/package.json', import.meta.url));
const bindingManifest = existsSync(shipped) ? shipped : require.resolve('@tensorflow/tfjs-node-gpu/package.json');

/** Folder of tfjs-node: its C++ sources make the binding, and its JavaScript is the backend that calls it. */
export const bindingPackage = dirname(bindingManifest);

/** Version of that package: the TensorFlow.js release that the binding belongs to. */
export const bindingVersion: string = (require(bindingManifest) as { version: string }).version;

/** Which build of the native library: for NVIDIA cards (it serves the processor too), or for the processor only. */
export type Variant = 'cuda' | 'cpu';

/** Where one variant of the native runtime is. Versions are part of the names, so that upgrades do not collide. */
export interface RuntimePaths {
  /** Unpacked wheels: `tensorflow/` and, for CUDA, `nvidia/` beside it, which is where the library looks for it. */
  readonly root: string;
  /** Files of `root` with their sizes; comes into being together with them. */
  readonly inventory: string;
  /** Folder of what was compiled. */
  readonly built: string;
  /** The compiled binding, a Node addon. */
  readonly binding: string;
  /** An addon that switches stderr off and on while the library loads. */
  readonly quiet: string;
  /** Written last, once the binding has multiplied two matrices: the runtime is whole if this file is there. */
  readonly ready: string;
}

/** Paths of one variant of the native runtime under the cache folder. */
export function runtimePaths(home: string, variant: Variant): RuntimePaths {
  const root = join(nativeHome(home), `tensorflow-${TENSORFLOW_VERSION}-${variant}`);
  const built = join(root, `tfjs-${bindingVersion}-napi${NODE_API_VERSION}-${BUILD}`);
  return {
    root,
    inventory: join(root, 'inventory.json'),
    built,
    binding: join(built, 'tfjs_binding.node'),
    quiet: join(built, 'quiet.node'),
    ready: join(built, 'ready.json'),
  };
}
