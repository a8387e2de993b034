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
      const stretch = (scaling.factor * Math.max(length, limit)) / limit - (scaling.factor - 1);
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
