/** State of a generator: four unsigned 32-bit words. Plain data, so that it can be saved in a checkpoint. */
export type RandomState = [number, number, number, number];

/** A seeded generator of pseudo-random numbers. `state()` and `fromState` continue it exactly. */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  uniform(): number;
  /** Uniform integer in [0, n). */
  integer(n: number): number;
  /** Standard normal, by the Box-Muller transform (one of the pair is used). */
  normal(): number;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  state(): RandomState;
}

/** xoshiro128** (Blackman and Vigna 2018), continued from a saved state. */
export function fromState(saved: RandomState): Random {
  let [a, b, c, d] = saved;
  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const next = () => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  const uniform = () => next() / 2 ** 32;
  const integer = (n: number) => Math.floor(uniform() * n);
  return {
    uniform,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    shuffle: (items) => {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [out[i], out[j]] = [out[j]!, out[i]!];
      }
      return out;
    },
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
}

/**
 * A generator from a seed and a path of labels: `random(seed, 'stage', 2)` is independent of `random(seed, 'lora')`.
 * The words are spread with SplitMix32 over an FNV-1a hash of the labels.
 */
export function random(seed: number, ...labels: (string | number)[]): Random {
  let h = 0x811c9dc5;
  for (const ch of [seed, ...labels].join('\u0000')) h = Math.imul(h ^ ch.codePointAt(0)!, 0x01000193);
  const word = () => {
    h = (h + 0x9e3779b9) | 0;
    let z = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return fromState([word(), word(), word(), word()]);
}
