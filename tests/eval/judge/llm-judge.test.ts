import { describe, expect, it } from 'vitest';
import { judgeWorld } from '../../../scripts/eval/judge-world.js';
import type { TokenLogprob } from '../../../src/endpoint/types.js';
import { pairOdds } from '../../../src/eval/judge/pair-odds.js';

describe('a judge that prefers what stands first', () => {
  it.each([0.8, -0.8])('by %d log-odds: win rate and position come out as they were put in', async (position) => {
    const rows = 500;
    const { winRate, truth, position: estimate } = await judgeWorld({ rows, quality: 0.4, position, seed: 2 });
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    const variance = (z: number) => sigmoid(z) * (1 - sigmoid(z));
    const orders = [0.4 + position, 0.4 - position];
    // Four standard deviations of the mean of two binomial shares, and of half the difference of their log-odds.
    const ofRate = (100 / 2) * Math.sqrt(orders.reduce((sum, z) => sum + variance(z) / rows, 0));
    const ofPosition = 0.5 * Math.sqrt(orders.reduce((sum, z) => sum + 1 / (rows * variance(z)), 0));
    expect(Math.abs(winRate - truth)).toBeLessThan(4 * ofRate);
    expect(Math.abs(estimate - position)).toBeLessThan(4 * ofPosition);
  });
});

describe('the log-odds of a verdict', () => {
  const token = (text: string, top: Readonly<Record<string, number>> = {}): TokenLogprob => ({
    token: text,
    logprob: Math.log(top[text] ?? 0.99),
    top: Object.entries(top).map(([name, p]) => ({ token: name, logprob: Math.log(p) })),
  });
  const odds = (text: string, ...tokens: TokenLogprob[]) => pairOdds(tokens, text as 'A');

  it.each<[string, 'A' | 'B' | 'tie', TokenLogprob[], number]>([
    ['a letter in quotes', 'A', [token('{"better": "'), token('A', { A: 0.6, B: 0.3, tie: 0.1 }), token('"}')], 2],
    [
      'a letter with its quote',
      'B',
      [token('{"better":'), token(' "B', { ' "B': 0.6, ' "A': 0.2 }), token('"}')],
      1 / 3,
    ],
    ['a tie', 'tie', [token('{"better": "'), token('tie', { tie: 0.5, A: 0.3, B: 0.1 }), token('"}')], 3],
    [
      'several tokens of a letter',
      'A',
      [token('{"better": "'), token('A', { A: 0.4, ' A': 0.2, B: 0.3 }), token('"}')],
      2,
    ],
    ['a letter alone', 'A', [token('A', { A: 0.8, B: 0.2 })], 4],
    ['a labelled letter', 'B', [token('Verdict:'), token(' B', { ' B': 0.5, ' A': 0.25 })], 0.5],
    [
      'the last of several',
      'B',
      [token('{"reason": "\\"better\\": ", '), token('"better": "'), token('B', { B: 0.5, A: 0.1 }), token('"}')],
      0.2,
    ],
    ['words that begin with a letter, left out', 'A', [token('A', { A: 0.4, B: 0.1, Answer: 0.3, Both: 0.2 })], 4],
    ['a letter that is not listed, as likely as the least', 'A', [token('A', { A: 0.9, tie: 0.05, C: 0.01 })], 90],
  ])('of %s', (_, better, tokens, ratio) => {
    expect(odds(better, ...tokens)).toBeCloseTo(Math.log(ratio), 9);
  });

  it.each<[string, 'A' | 'B' | 'tie', TokenLogprob[]]>([
    ['no alternatives', 'A', [token('A')]],
    ['neither letter', 'tie', [token('tie', { tie: 0.9, equal: 0.1 })]],
    ['no certain place', 'A', [token('Surely', { Surely: 0.9, A: 0.1 }), token(' A or so')]],
  ])('are none with %s', (_, better, tokens) => {
    expect(odds(better, ...tokens)).toBeUndefined();
  });
});
