import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The TensorFlow release whose C library is fetched. */
export const TENSORFLOW_VERSION = '2.21.0';

/** The TensorFlow.js release whose binding is compiled against it; the version of `@tensorflow/tfjs-node-gpu` in package.json. */
export const TFJS_VERSION = '4.22.0';

/** Which build of the native library: for NVIDIA cards (serves the processor too), or for the processor only. */
export type Variant = 'cuda' | 'cpu';

/** Where one variant of the native runtime lies. Versions are part of the names, so that upgrades do not collide. */
export interface RuntimePaths {
  /** Everything of this variant; also what the wheels are unpacked into: `tensorflow/` and, for CUDA, `nvidia/`. */
  readonly root: string;
  /** The compiled binding and what was made with it. */
  readonly binding: string;
  /** Switches stderr off and on while the library loads. */
  readonly quiet: string;
  /** Written last, once the binding has multiplied two matrices: the runtime is whole if this file is there. */
  readonly ready: string;
}

/** The cache folder: `PHASETUNE_HOME`, or `~/.cache/phasetune`. */
export const cacheHome = (home: string | undefined = process.env.PHASETUNE_HOME): string =>
  home ? resolve(home) : join(homedir(), '.cache', 'phasetune');

/** Paths of one variant of the native runtime under the cache folder. */
export function runtimePaths(home: string, variant: Variant): RuntimePaths {
  const root = join(home, 'native', `tensorflow-${TENSORFLOW_VERSION}-${variant}`);
  const built = join(root, `tfjs-${TFJS_VERSION}-napi8`);
  return {
    root,
    binding: join(built, 'tfjs_binding.node'),
    quiet: join(built, 'quiet.node'),
    ready: join(built, 'ready.json'),
  };
}
