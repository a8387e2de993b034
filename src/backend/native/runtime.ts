import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { type RuntimePaths, runtimePaths, type Variant } from './paths.js';

/** A provisioned native runtime. */
export interface NativeRuntime {
  readonly variant: Variant;
  readonly paths: RuntimePaths;
}

/** The provisioned runtime of a variant, or undefined when set-up has not finished for it or its files have changed. */
export function findRuntime(home: string, variant: Variant): NativeRuntime | undefined {
  const paths = runtimePaths(home, variant);
  const built = [paths.ready, paths.binding, paths.quiet].every((path) => existsSync(path));
  return built && librariesWhole(paths) ? { variant, paths } : undefined;
}

/** True when every unpacked file is there with its size. */
export function librariesWhole(paths: RuntimePaths): boolean {
  try {
    const sizes = JSON.parse(readFileSync(paths.inventory, 'utf8')) as Record<string, number>;
    return Object.entries(sizes).every(([name, bytes]) => statSync(join(paths.root, name)).size === bytes);
  } catch {
    return false;
  }
}

/** The release of CUDA whose libraries were unpacked, `12.5`; undefined in a runtime for the processor. */
export function cudaRelease(paths: RuntimePaths): string | undefined {
  try {
    const names = Object.keys(JSON.parse(readFileSync(paths.inventory, 'utf8')) as object);
    return releaseOf(names);
  } catch {
    return undefined;
  }
}

/** See {@link cudaRelease}: the compiler's library of built-in functions has it in its name. */
const releaseOf = (names: readonly string[]): string | undefined =>
  names.map((name) => /\/libnvrtc-builtins\.so\.(\d+\.\d+)$/.exec(name)?.[1]).find((release) => release !== undefined);

/** Every file of a provisioned runtime but its marker, relative to its folder. */
export function runtimeFiles(paths: RuntimePaths): string[] {
  const libraries = Object.keys(JSON.parse(readFileSync(paths.inventory, 'utf8')) as object);
  return [...libraries, ...[paths.inventory, paths.binding, paths.quiet].map((path) => relative(paths.root, path))];
}

/** What compiled the binding, as the marker says. */
export const compilerOf = (paths: RuntimePaths): string =>
  (JSON.parse(readFileSync(paths.ready, 'utf8')) as { compiler?: string }).compiler ?? 'unknown';

interface Quiet {
  hush(): void;
  restore(): void;
}

const require = createRequire(import.meta.url);

/**
 * Loads the compiled binding. TensorFlow prints a few lines while it is loaded whatever its log level is, so unless
 * `verbose`, stderr is switched off for the fraction of a second that this takes. Throws the dynamic linker's error.
 */
export function loadBinding(paths: RuntimePaths, verbose: boolean): object {
  const quiet = verbose ? undefined : (require(paths.quiet) as Quiet);
  quiet?.hush();
  try {
    return require(paths.binding) as object;
  } finally {
    quiet?.restore();
  }
}
