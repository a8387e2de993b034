import * as tf from '../backend/tf.js';
import type { ModelConfig } from './config.js';

/**
 * Inverse frequencies of the rotary position embedding: H / 2 numbers, highest first, as transformers'
 * modeling_rope_utils computes them. `length` is the number of positions in use: only the dynamic kind
 * (NTK-aware scaling) looks at it.
 */
export function inverseFrequencies(config: ModelConfig, length: number): number[] {
  const { head_dim: h, rope_theta: theta, rope_scaling: scaling, max_position_embeddings: limit } = config;
  const plain = (base: number) => Array.from({ length: h / 2 }, (_, i) => 1 / base ** ((2 * i) / h));
  switch (scaling.rope_type) {
    case 'default':
      return plain(theta);
    case 'linear':
      return plain(theta).map((f) => f / scaling.factor);
    case 'dynamic': {
      const stretch = 1 + (scaling.factor * (Math.max(length, limit) - limit)) / limit;
      return plain(theta * stretch ** (h / (h - 2)));
    }
    case 'llama3': {
      const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: old } = scaling;
      return plain(theta).map((f) => {
        const wavelength = (2 * Math.PI) / f;
        if (wavelength < old / high) return f;
        if (wavelength > old / low) return f / factor;
        const smooth = (old / wavelength - low) / (high - low);
        return ((1 - smooth) * f) / factor + smooth * f;
      });
    }
  }
}

/** Whether the frequencies depend on how long a text is. */
export const dependsOnLength = ({ rope_scaling }: ModelConfig): boolean => rope_scaling.rope_type === 'dynamic';

/**
 * The same where each position has its own text's length: `lengths` [B or 1, T or 1] gives [B or 1,
 * T or 1, H / 2]. Where the kind of scaling does not look at the length, they are those of all
 * positions, as numbers.
 */
export function frequenciesByLength(config: ModelConfig, lengths: tf.Tensor): tf.Tensor | number[] {
  const { head_dim: h, rope_theta: theta, rope_scaling: scaling, max_position_embeddings: limit } = config;
  if (scaling.rope_type !== 'dynamic') return inverseFrequencies(config, 1);
  const over = tf.maximum(tf.sub(tf.cast(lengths, 'float32'), limit), 0);
  const logStretch = tf.log(tf.add(tf.mul(over, scaling.factor / limit), 1));
  const logBase = tf.add(tf.mul(logStretch, h / (h - 2)), Math.log(theta));
  const exponents = Array.from({ length: h / 2 }, (_, i) => (-2 * i) / h);
  return tf.exp(tf.mul(tf.expandDims(logBase, -1), tf.tensor1d(exponents)));
}

/**
 * Length of the text that each position belongs to, its greatest position and one: [B, T] (float32)
 * of positions [B, T] (int32) that count from 0 in each of the texts in a line.
 */
export function textLengths(positions: tf.Tensor): tf.Tensor {
  const [b, t] = positions.shape as [number, number];
  const counted = tf.cast(positions, 'float32');
  const firsts = tf.sub(tf.range(0, t, 1), counted);
  const isSameText = tf.equal(tf.reshape(firsts, [b, t, 1]), tf.reshape(firsts, [b, 1, t]));
  const counts = tf.add(counted, 1);
  return tf.max(tf.mul(tf.cast(isSameText, 'float32'), tf.reshape(counts, [b, 1, t])), -1);
}
