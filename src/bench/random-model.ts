import { bfloat16, float32, sizeOf } from '../core/host-tensor.js';
import { random } from '../core/random.js';
import { toBfloat16 } from '../io/float.js';
import type { ModelConfig } from '../model/config.js';
import type { ModelFolder } from '../model/load.js';
import { parameterShapes } from '../model/parameters.js';

/** Spread of the weights: `initializer_range` of transformers. */
const SPREAD = 0.02;

/** Different values that weights are drawn from: as many as 16 random bits tell apart. */
const VALUES = 2 ** 16;

/**
 * A model without files: matrices normal with mean 0 and standard deviation 0.02, norms one, biases zero, as transformers
 * begins. Each tensor has its own random numbers, from the seed and its name. Weights are drawn from a table of 65,536
 * normal values, which takes about a second for 135 million: nothing that is measured depends on more.
 */
export function randomModel(config: ModelConfig, seed = 0): ModelFolder {
  const shapes = parameterShapes(config);
  return {
    path: 'random weights',
    config,
    warnings: [],
    async *parameters(dtypeOf = () => 'float32') {
      const tables = { float32: normalTable(seed), bfloat16: toBfloat16(normalTable(seed)) };
      const bytes = [...shapes].map(([name, shape]) => sizeOf(shape) * tables[dtypeOf(name)].BYTES_PER_ELEMENT);
      const buffer = new ArrayBuffer(Math.max(...bytes));
      for (const [name, shape] of shapes) {
        const fill = (values: Float32Array | Uint16Array, table: Float32Array | Uint16Array, one: number) => {
          if (shape.length > 1) draw(values, table, seed, name);
          else values.fill(name.endsWith('.bias') ? 0 : one);
        };
        if (dtypeOf(name) === 'bfloat16') {
          const values = new Uint16Array(buffer, 0, sizeOf(shape));
          fill(values, tables.bfloat16, 0x3f80);
          yield [name, bfloat16(shape, values)] as const;
        } else {
          const values = new Float32Array(buffer, 0, sizeOf(shape));
          fill(values, tables.float32, 1);
          yield [name, float32(shape, values)] as const;
        }
      }
    },
    close: async () => {},
  };
}

function draw(values: Float32Array | Uint16Array, table: Float32Array | Uint16Array, seed: number, name: string): void {
  const { integer } = random(seed, 'weights', name);
  for (let i = 0; i < values.length; i += 2) {
    const word = integer(2 ** 32);
    values[i] = table[word >>> 16]!;
    // Beyond the end where the length is odd: such a write to a typed array does nothing.
    values[i + 1] = table[word & 0xffff]!;
  }
}

/** Normal values, each with its negative, scaled so that their standard deviation is exactly {@link SPREAD}. */
function normalTable(seed: number): Float32Array {
  const { normal } = random(seed, 'normal');
  const half = Float64Array.from({ length: VALUES / 2 }, normal);
  const scale = SPREAD / Math.sqrt(half.reduce((sum, x) => sum + x * x, 0) / half.length);
  return Float32Array.from({ length: VALUES }, (_, i) => half[i >> 1]! * (i % 2 === 0 ? scale : -scale));
}
