import { usageError } from '../core/errors.js';
import { adapterSpecs, adapterStacks } from '../lora/adapter.js';
import { loraLinear } from '../lora/apply.js';
import type { LoraOptions } from '../lora/options.js';
import type { ModelConfig } from '../model/config.js';
import { modelVariables } from '../model/load.js';
import { linearGroups, linearShapes } from '../model/parameters.js';
import { type ParameterGroup, parameterGroups, withPieces } from '../optim/groups.js';
import type { Shapes } from '../optim/layout.js';
import type { OptimOptions } from '../optim/options.js';
import type { CompileOptions } from '../program/compile-options.js';
import { joinSpecs, type ProgramSpec } from '../program/program.js';
import { trainSpec } from './step.js';

/** What decides the program of a LoRA training. */
export interface LoraTraining {
  readonly lora: LoraOptions;
  readonly optim: OptimOptions;
  /** See `StepSpec`. */
  readonly gradientCheckpointing?: boolean | undefined;
  /** What of how the program runs decides its entries. */
  readonly compile?: Pick<CompileOptions, 'attention' | 'compile'>;
  /** Further entries over the same weights and adapter, such as decoding. */
  readonly extra?: ProgramSpec;
}

/** A program of LoRA training, the adapter's matrices, and where in the program's variables each lies. */
export interface LoraSpec {
  readonly spec: ProgramSpec;
  readonly trainable: Shapes;
  readonly groups: readonly ParameterGroup[];
}

/** Sizes of tensors are 32 bits wide where they are recorded. */
const MOST_NUMBERS = 2 ** 31 - 1;

/**
 * The program that trains an adapter of a model. Throws a usage error for targets that the model does not
 * have, and for an adapter that is too large for a tensor.
 */
export function loraSpec(
  config: ModelConfig,
  { lora, optim, gradientCheckpointing, compile, extra }: LoraTraining,
): LoraSpec {
  const trainable = adapterSpecs(linearShapes(config), lora);
  // With dropout each module has its own inputs, so their matrices cannot be multiplied together.
  const stacks = lora.dropout > 0 ? new Map() : adapterStacks(trainable, linearGroups(config));
  const groups = parameterGroups(trainable, optim.weightDecay, stacks);
  const most = Math.max(...groups.map(({ tensors }) => tensors.size));
  if (most > MOST_NUMBERS)
    throw usageError(
      `\`lora.rank\`: an adapter of rank ${lora.rank} has ${most} numbers, more than one tensor of TensorFlow holds (${MOST_NUMBERS})`,
      {
        option: 'lora.rank',
        expected: MOST_NUMBERS,
        actual: most,
        remedies: [
          { option: 'lora.rank', change: 'lower' },
          { option: 'lora.targets', change: 'set', note: 'to fewer projections' },
        ],
      },
    );
  const training = trainSpec({
    config,
    groups,
    optim,
    trainLinear: (seed) => loraLinear(lora, seed),
    evalLinear: loraLinear(lora),
    ...(gradientCheckpointing ? { gradientCheckpointing } : {}),
    attention: compile?.attention,
    lossChunk: compile?.compile === 'whole' ? wholeLossChunk(config.vocab_size) : undefined,
  });
  const spec = joinSpecs(modelVariables(config), training, ...(extra ? [withPieces(groups, extra)] : []));
  return { spec, trainable, groups };
}

/** Logits that exist at one time in a step that is compiled whole, at most: 256 MiB in bfloat16, and their gradient. */
const MOST_LOGITS = 2 ** 27;
const LARGEST_CHUNK = 4096;

/**
 * Positions whose logits exist at one time in a step that is compiled whole: each chunk is a dozen
 * kernels, which a card starts one after another. A power of two.
 */
const wholeLossChunk = (vocab: number): number =>
  Math.min(LARGEST_CHUNK, 2 ** Math.max(0, Math.floor(Math.log2(MOST_LOGITS / vocab))));
