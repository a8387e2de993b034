import type { CardCaches } from './native/card-caches.js';

/** Bytes of machine code that the driver may keep; the most that it takes. */
const DRIVER_CACHE = String(4 * 2 ** 30);

/**
 * XLA's flags for a card, where the user's `XLA_FLAGS` do not name them. CUDA graphs ("command buffers") lost 9 % of a
 * step at 135M on an H200 (docs/log.md).
 */
export const cardFlags = (given: string | undefined): string =>
  withFlags(given, ['--xla_gpu_enable_command_buffer=']) ?? '';

/**
 * Environment variables for a process that computes on a card, to set before the native library is loaded. What the
 * user has set stays, flag by flag. Without `caches` nothing is kept from process to process but what the driver keeps:
 * it compiles those of TensorFlow's kernels that have no machine code for the card, which takes a minute or more.
 */
export function cardSettings(env: NodeJS.ProcessEnv, caches: CardCaches | undefined): Record<string, string> {
  const { programs, choices } = caches ?? {};
  const xla = withFlags(
    cardFlags(env.XLA_FLAGS),
    choices ? [flag('xla_gpu_per_fusion_autotune_cache_dir', choices)] : [],
  );
  // Not on the processor: its instructions are no part of a file's name either, and it has them compiled in seconds.
  const jit = programs
    ? [
        flag('tf_xla_persistent_cache_directory', programs),
        flag('tf_xla_persistent_cache_device_types', 'GPU,XLA_GPU_JIT'),
      ]
    : [];
  const tensorflow = withFlags(env.TF_XLA_FLAGS, jit);
  return {
    CUDA_CACHE_MAXSIZE: env.CUDA_CACHE_MAXSIZE ?? DRIVER_CACHE,
    ...(xla && { XLA_FLAGS: xla }),
    ...(tensorflow && { TF_XLA_FLAGS: tensorflow }),
  };
}

const flag = (name: string, value: string): string => `--${name}=${/[\s"']/.test(value) ? `"${value}"` : value}`;

const nameOf = (flag: string): string => flag.split('=')[0]!;

/** Flags as given, after those of ours that they do not name. What does not begin as a flag is a file's name. */
function withFlags(given: string | undefined, ours: readonly string[]): string | undefined {
  const flags = given?.trim() ?? '';
  if (flags !== '' && !flags.startsWith('-')) return given;
  const named = flags.split(/\s+/).map(nameOf);
  return [...ours.filter((each) => !named.includes(nameOf(each))), ...(flags === '' ? [] : [flags])].join(' ');
}
