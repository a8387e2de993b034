import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type RuntimePaths, runtimePaths, type Variant } from './paths.js';

/** What `ready.json` says about a provisioned runtime. */
export interface ReadyMarker {
  readonly tensorflow: string;
  readonly tfjs: string;
  readonly variant: Variant;
}

/** A provisioned native runtime. */
export interface NativeRuntime {
  readonly variant: Variant;
  readonly paths: RuntimePaths;
}

/** The provisioned runtime of a variant, or undefined when set-up has not finished for it. */
export function findRuntime(home: string, variant: Variant): NativeRuntime | undefined {
  const paths = runtimePaths(home, variant);
  if (!existsSync(paths.ready) || !existsSync(paths.binding)) return undefined;
  try {
    const marker = JSON.parse(readFileSync(paths.ready, 'utf8')) as ReadyMarker;
    return marker.variant === variant ? { variant, paths } : undefined;
  } catch {
    return undefined;
  }
}

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
  const quiet = !verbose && existsSync(paths.quiet) ? (require(paths.quiet) as Quiet) : undefined;
  quiet?.hush();
  try {
    return require(paths.binding) as object;
  } finally {
    quiet?.restore();
  }
}
