import { usageError } from '../core/errors.js';
import { type ModelConfig, parseModelConfig } from '../model/config.js';

/** A model's sizes under the names of config.json. */
interface ShapeSizes {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly intermediate_size: number;
  readonly vocab_size: number;
  readonly tie_word_embeddings: boolean;
}

/** Arguments in the order of {@link ShapeSizes}. */
const sizes = (d: number, layers: number, n: number, k: number, f: number, v: number, tied: boolean): ShapeSizes => ({
  hidden_size: d,
  num_hidden_layers: layers,
  num_attention_heads: n,
  num_key_value_heads: k,
  intermediate_size: f,
  vocab_size: v,
  tie_word_embeddings: tied,
});

const SHAPES = {
  'tiny-10m': sizes(256, 6, 8, 4, 688, 8192, true),
  'small-33m': sizes(512, 8, 8, 8, 1376, 8192, false),
  'smollm2-135m': sizes(576, 30, 9, 3, 1536, 49152, true),
  'smollm2-360m': sizes(960, 32, 15, 5, 2560, 49152, true),
  'tinyllama-1.1b': sizes(2048, 22, 32, 4, 5632, 32000, false),
  'llama-3-8b': sizes(4096, 32, 32, 8, 14336, 128256, false),
} as const;

/** Name of a shape that can be measured. */
type ShapeName = keyof typeof SHAPES;

/** Names of the shapes that can be measured: two small ones and four of well-known models. */
export const SHAPE_NAMES = Object.keys(SHAPES) as [ShapeName, ...ShapeName[]];

/** A shape, and the sizes to change. */
export interface ShapeChoice {
  readonly shape: ShapeName;
  readonly layers?: number | undefined;
  readonly width?: number | undefined;
  readonly vocab?: number | undefined;
}

/**
 * Configuration of a Llama of a shape; the rest has transformers' defaults. Throws a usage error
 * for a width that does not give whole numbers of heads and a whole MLP width.
 */
export function shapeConfig({ shape, layers, width, vocab }: ShapeChoice): ModelConfig {
  const base: ShapeSizes = SHAPES[shape];
  const scale = (size: number) => (size * (width ?? base.hidden_size)) / base.hidden_size;
  const scaled = {
    hidden_size: scale(base.hidden_size),
    num_attention_heads: scale(base.num_attention_heads),
    num_key_value_heads: scale(base.num_key_value_heads),
    intermediate_size: scale(base.intermediate_size),
  };
  if (Object.values(scaled).some((size) => !Number.isInteger(size)))
    throw usageError(
      `\`width\`: expected a multiple of ${smallestWidth(base)}, so that ${shape} has whole heads, got ${width}`,
      { option: 'width', actual: width },
    );
  const changed = { num_hidden_layers: layers ?? base.num_hidden_layers, vocab_size: vocab ?? base.vocab_size };
  return parseModelConfig({ model_type: 'llama', ...base, ...scaled, ...changed }, `shape ${shape}`);
}

function smallestWidth(base: ShapeSizes): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return (
    base.hidden_size /
    [base.num_key_value_heads, base.num_attention_heads, base.intermediate_size].reduce(divisor, base.hidden_size)
  );
}
