import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { random } from '../../src/core/random.js';
import { candidatesOf, choose } from '../../src/generate/choose.js';
import { choiceOf, generateOptions } from '../../src/generate/options.js';
import { testBackend } from '../helpers/backend.js';
import { gamma } from '../helpers/rounding.js';
import { chosen } from './oracle.js';

interface Draws {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
}

/** Chooses from rows of logits; `candidates` other than what the options need. */
function choices(logits: number[][], uniforms: readonly number[], draws: Draws, candidates?: number) {
  const options = generateOptions.parse(draws);
  return tf.tidy(() => {
    const inputs = {
      temperature: tf.scalar(options.temperature),
      topP: tf.scalar(options.topP),
      uniforms: tf.tensor1d([...uniforms], 'float32'),
    };
    const some = candidates ?? candidatesOf(options, logits[0]!.length);
    const { token, covered } = choose(tf.tensor2d(logits), choiceOf(options), some, inputs);
    return { token: [...token!.dataSync()], covered: covered && [...covered.dataSync()] };
  });
}

/** Rows of logits; `coarse` ones have many ties. */
const rowsOf = (rows: number, vocabulary: number, seed: number, coarse: boolean) => {
  const { normal } = random(seed, 'logits');
  const logit = () => (coarse ? Math.round(normal() * 4) / 2 : Math.fround(normal() * 3));
  return Array.from({ length: rows }, () => Array.from({ length: vocabulary }, logit));
};

describe('choose', () => {
  beforeAll(() => testBackend());

  test('takes the token that the options say for each uniform number', () => {
    let compared = 0;
    const anyDraws = fc.record({
      temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.05, max: 4, noNaN: true })),
      topK: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 700 })),
      topP: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 0.999, noNaN: true })),
    });
    const anyLogits = fc.record({
      vocabulary: fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 250, max: 600 })),
      seed: fc.nat(1000),
      coarse: fc.boolean(),
    });
    fc.assert(
      fc.property(
        anyDraws,
        anyLogits,
        fc.array(
          fc.nat(9999).map((n) => n / 10_000),
          { minLength: 1, maxLength: 4 },
        ),
        (draws, { vocabulary, seed, coarse }, uniforms) => {
          const logits = rowsOf(uniforms.length, vocabulary, seed, coarse);
          const { token, covered } = choices(logits, uniforms, draws);
          for (const [row, uniform] of uniforms.entries()) {
            const expected = chosen(logits[row]!, draws, uniform);
            // A tie of the likeliest is settled by number, not left open.
            if (expected.margin < gamma(vocabulary) && draws.temperature > 0) continue;
            compared++;
            expect(token[row], `row ${row}: ${JSON.stringify({ draws, vocabulary, seed, coarse, uniform })}`).toBe(
              expected.token,
            );
            expect(covered?.[row] ?? 1).toBe(1);
          }
        },
      ),
      { numRuns: 300, seed: 7 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  test('at the ends of the range it stays among what may be drawn', () => {
    const logits = [[-1e30, 3, 1, -1e30, 2, -1e30]];
    const all: Draws[] = [{ temperature: 1 }, { temperature: 1, topK: 4 }, { temperature: 1, topP: 0.999 }];
    for (const draws of all) {
      expect(choices(logits, [0], draws).token, JSON.stringify(draws)).toEqual([1]);
      // One in float32: what 32 random bits are rounded to at the top.
      expect([2, 4], JSON.stringify(draws)).toContain(choices(logits, [1], draws).token[0]);
    }
  });

  test('with too few candidates for the share it says so', () => {
    const logits = [
      [0, 0, 0, 0, 0, 0, 0, 9],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ];
    expect(choices(logits, [0.5, 0.5], { temperature: 1, topP: 0.8 }, 3).covered).toEqual([1, 0]);
    expect(choices(logits, [0.5, 0.5], { temperature: 1, topP: 0.8 }, 8).covered).toEqual([1, 1]);
  });

  test.each<[string, Draws]>([
    ['all', { temperature: 1.3 }],
    ['the K likeliest', { temperature: 1.3, topK: 12 }],
    ['a share', { temperature: 1.3, topP: 0.8 }],
    ['a share of the K likeliest', { temperature: 1.3, topK: 20, topP: 0.9 }],
  ])('tokens are drawn as often as the softmax says: %s', (_name, draws) => {
    const [vocabulary, rows, calls] = [300, 2000, 20];
    const logits = rowsOf(1, vocabulary, 3, false)[0]!;
    const { uniform } = random(11, 'uniforms');
    const counts = new Map<number, number>();
    for (let call = 0; call < calls; call++)
      for (const token of choices(Array<number[]>(rows).fill(logits), Array.from({ length: rows }, uniform), draws)
        .token)
        counts.set(token, (counts.get(token) ?? 0) + 1);
    const shares = expectedShares(logits, draws);
    for (const token of counts.keys()) expect(shares.get(token), `token ${token} may be drawn`).toBeGreaterThan(0);
    const n = rows * calls;
    // Pearson's test; tokens expected less than ten times go together.
    const [rare, common] = [...shares].reduce<[[number, number], [number, number][]]>(
      ([rare, common], [token, share]) =>
        share * n < 10
          ? [[rare[0] + share, rare[1] + (counts.get(token) ?? 0)], common]
          : [rare, [...common, [share, counts.get(token) ?? 0]]],
      [[0, 0], []],
    );
    const cells = rare[0] * n < 10 ? common : [...common, rare];
    const chiSquare = cells.reduce((sum, [share, count]) => sum + (count - share * n) ** 2 / (share * n), 0);
    const freedom = cells.length - 1;
    // Wilson and Hilferty's normal approximation: one false alarm in 30,000, and the seed is fixed.
    const z = (Math.cbrt(chiSquare / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom));
    expect(freedom).toBeGreaterThan(5);
    expect(z).toBeLessThan(4);
  });
});

/** Probability of each token that may be drawn. */
function expectedShares(logits: readonly number[], draws: Draws): Map<number, number> {
  const { temperature, topK, topP } = generateOptions.parse(draws);
  const sorted = logits.map((logit, token) => ({ token, logit })).toSorted((a, b) => b.logit - a.logit);
  const weights = sorted
    .slice(0, topK || undefined)
    .map(({ token, logit }) => ({ token, weight: Math.exp(logit / temperature) }));
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  const kept: typeof weights = [];
  let mass = 0;
  for (const each of weights) {
    if (kept.length > 0 && mass >= topP * total) break;
    kept.push(each);
    mass += each.weight;
  }
  return new Map(kept.map(({ token, weight }) => [token, weight / mass]));
}
