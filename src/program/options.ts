import * as z from 'zod';
import type { Backend } from '../backend/backend.js';
import { usageError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import { type CompileOptions, PRECISIONS, type Precision } from './compile-options.js';

/** How a program runs. What is left out is chosen by `decideProgram`. */
export const programOptions = z.strictObject({
  mode: z
    .enum(['captured', 'eager'])
    .optional()
    .describe(
      'how to compute: captured, as one recorded TensorFlow graph, or eager, op by op [captured; eager on WASM]',
    ),
  precision: z
    .enum(['auto', ...PRECISIONS])
    .default('auto')
    .describe(
      'type of products and of frozen weights; the rest is float32. auto takes what is faster on this processor, bfloat16 on a card, float32 where eager',
    ),
  loadIn16bit: z
    .boolean()
    .optional()
    .describe(
      "keep the layers' frozen matrices in bfloat16 where products are float32, half of their memory; exact if the checkpoint is in bfloat16; captured programs only [off]",
    ),
  loadIn8bit: z
    .boolean()
    .optional()
    .describe("keep the layers' frozen matrices in 8 bits, half of bfloat16's memory; captured programs only [off]"),
  loadIn4bit: z
    .boolean()
    .optional()
    .describe("keep them in 4 bits (NF4, as QLoRA does), a quarter of bfloat16's memory; captured programs only [off]"),
  compile: z
    .enum(['none', 'parts', 'whole'])
    .optional()
    .describe(
      'what XLA compiles of a captured program: nothing, parts between products, or whole entries [parts; whole on a card]',
    ),
  attention: z
    .enum(['math', 'recompute', 'flash'])
    .optional()
    .describe(
      "how attention is computed: math keeps its probabilities for the gradient, recompute works them out again (less memory for long lines), flash uses the card's own kernels, or recompute where it has none [math; flash on a card]",
    ),
});

/** See {@link programOptions}; options with a default may be left out. */
export type ProgramOptions = z.input<typeof programOptions>;

/** The same with the type of products decided, as `choosePrecision` does. */
export type WithPrecision<T extends Pick<ProgramOptions, 'precision'>> = Omit<T, 'precision'> & {
  readonly precision: Precision;
};

/** Every option that a program is compiled with. */
export type DecidedProgram = Required<
  Pick<
    CompileOptions,
    'mode' | 'precision' | 'loadIn16bit' | 'loadIn8bit' | 'loadIn4bit' | 'compile' | 'attention' | 'kernels'
  >
>;

/** Every option decided for a backend. Throws a usage error for what the backend or the mode cannot do. */
export function compileOptions(
  options: WithPrecision<ProgramOptions>,
  backend: Pick<Backend, 'name' | 'device'>,
): DecidedProgram {
  const native = backend.name === 'tensorflow';
  const mode = options.mode ?? (native ? 'captured' : 'eager');
  const eager: Remedy = { option: 'mode', change: 'set', value: 'eager' };
  const captured: Remedy = native
    ? { option: 'mode', change: 'set', value: 'captured' }
    : { task: 'setup', note: 'to have the native TensorFlow library, which captured programs need' };
  const refusal = (problem: string, option: string, ...remedies: Remedy[]) => usageError(problem, { option, remedies });
  const withoutIt = (option: string): Remedy => ({ option, change: 'omit' });
  if (mode === 'captured' && !native)
    throw refusal('`mode: captured` needs the native TensorFlow library', 'mode', { task: 'setup' }, eager);
  const { precision } = options;
  if (mode === 'eager' && precision !== 'float32')
    throw refusal('op by op only float32 is computed', 'precision', withoutIt('precision'), captured);
  const { loadIn16bit = false, loadIn8bit = false, loadIn4bit = false } = options;
  const [held, twice] = HELD_BITS.filter((option) => options[option]);
  if (held && twice)
    throw refusal(
      `weights are held in one number of bits: \`${held}\` and \`${twice}\` exclude each other`,
      twice,
      withoutIt(held),
      withoutIt(twice),
    );
  for (const option of HELD_BITS)
    if (mode === 'eager' && options[option])
      throw refusal(`\`${option}\` needs a captured program`, option, withoutIt(option), captured);
  if (mode === 'eager' && options.compile && options.compile !== 'none')
    throw refusal('`compile` needs a captured program', 'compile', withoutIt('compile'), captured);
  const compile = mode === 'eager' ? 'none' : (options.compile ?? (backend.device === 'cuda' ? 'whole' : 'parts'));
  if (mode === 'eager' && options.attention && options.attention !== 'math')
    throw refusal('op by op only `attention: math` is computed', 'attention', withoutIt('attention'), captured);
  const whole: Remedy = { option: 'compile', change: 'set', value: 'whole' };
  if (options.attention === 'flash' && compile !== 'whole')
    throw refusal('`attention: flash` needs entries that are compiled whole', 'attention', whole, RECOMPUTE);
  if (options.attention === 'flash' && precision !== 'bfloat16')
    throw refusal('`attention: flash` computes in bfloat16 only', 'attention', withoutIt('precision'), RECOMPUTE);
  const serves = backend.device === 'cuda' && compile === 'whole' && precision === 'bfloat16';
  const kernels = mode === 'captured' && backend.device === 'cpu';
  const ownKernel = kernels && compile !== 'whole';
  const attention = options.attention ?? (serves ? 'flash' : ownKernel ? 'recompute' : 'math');
  return { mode, precision, loadIn16bit, loadIn8bit, loadIn4bit, compile, attention, kernels };
}

const HELD_BITS = ['loadIn16bit', 'loadIn8bit', 'loadIn4bit'] as const;

const RECOMPUTE: Remedy = { option: 'attention', change: 'set', value: 'recompute' };
