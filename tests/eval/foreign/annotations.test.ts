import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random } from '../../../src/core/random.js';
import { annotationOf, type JudgedPair, readAnnotations } from '../../../src/eval/foreign/annotations.js';
import { leaderboardOf, type WinRate, winRateOf } from '../../../src/eval/foreign/leaderboard.js';
import type { Verdict } from '../../../src/eval/verdicts/verdict.js';
import { temporaryFolder } from '../../helpers/folder.js';

const FIXTURES = 'tests/fixtures/alpaca-eval';
const folder = temporaryFolder('annotations');
const fileOf = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

/** What `get_winrate` returns, by its own names. */
interface Reference {
  readonly win_rate: number | null;
  readonly standard_error: number | null;
  readonly n_wins: number;
  readonly n_wins_base: number;
  readonly n_draws: number;
  readonly n_total: number;
  readonly discrete_win_rate: number | null;
}
const reference = JSON.parse(readFileSync(join(FIXTURES, 'win-rates.json'), 'utf8')) as {
  annotations: Record<string, Reference>;
  preferences: { name: string; preferences: (number | null)[]; winRate: Reference }[];
};

/** Verdicts of two arms on 60 rows: hard ones, probabilities, equal answers and missing ones. */
function pairs(): JudgedPair[] {
  const { uniform, integer } = random(4, 'annotations');
  return ['one-off', 'phased'].flatMap((arm) =>
    Array.from({ length: 60 }, (_, i): JudgedPair => {
      const missing = uniform() < 0.1;
      const equal = !missing && uniform() < 0.1;
      const x = missing ? null : equal ? 0.5 : arm === 'phased' ? uniform() : integer(5) / 4;
      const verdict: Verdict = {
        judge: 'gpt "4"',
        set: `set-${i % 2}`,
        id: `row-${i}`,
        baseline: 'base',
        arm,
        run: 1,
        baselineRun: 1,
        state: missing ? 'missing' : equal ? 'equal' : 'judged',
        x,
        orders: missing
          ? [{ first: 'baseline', better: null, missing: 'refusal' }]
          : [{ first: 'arm', better: 'tie', why: 'both\nare "good"', logOdds: -0.1 }],
        ...(missing && { reason: 'refusal' as const }),
      };
      return {
        verdict,
        instruction: `Question ${i}? 👋\n`,
        outputs: [`base ${i}`, `${arm} ${i}`],
        generators: ['base', arm],
      };
    }),
  );
}

const expectRate = (rate: WinRate, wanted: Reference) => {
  const close = (value: number, expected: number | null) =>
    expected === null ? expect(value).toBeNaN() : expect(Math.abs(value - expected)).toBeLessThan(1e-9);
  close(rate.winRate, wanted.win_rate);
  close(rate.standardError, wanted.standard_error);
  close(rate.discreteWinRate, wanted.discrete_win_rate);
  expect([rate.wins, rate.losses, rate.draws, rate.total]).toEqual([
    wanted.n_wins,
    wanted.n_wins_base,
    wanted.n_draws,
    wanted.n_total,
  ]);
};

describe('verdicts in the form of AlpacaEval', () => {
  it('are written as the file that alpaca-eval was given', () => {
    const text = `${JSON.stringify(pairs().map(annotationOf), null, 2)}\n`;
    if (process.env.REGENERATE_ANNOTATIONS === '1') writeFileSync(join(FIXTURES, 'annotations.json'), text);
    expect(text).toBe(readFileSync(join(FIXTURES, 'annotations.json'), 'utf8'));
  });

  it('have the win rates that alpaca-eval computes from that file', () => {
    for (const arm of ['one-off', 'phased']) {
      const scores = pairs().flatMap(({ verdict }) => (verdict.arm === arm ? [verdict.x] : []));
      expectRate(winRateOf(scores), reference.annotations[arm]!);
    }
  });

  it.each(reference.preferences)('$name: read and counted as alpaca-eval does', async ({ preferences, winRate }) => {
    const rows = preferences.map((preference) => ({ instruction: 'i', output_1: 'a', output_2: 'b', preference }));
    const read = await readAnnotations(fileOf('preferences.json', rows));
    expectRate(winRateOf(read.map(({ preference }) => (preference === null ? null : preference - 1))), winRate);
  });

  it('come back as they were', async () => {
    const written = pairs();
    const read = await readAnnotations(fileOf('annotations.json', written.map(annotationOf)));
    expect(read.map(({ own }) => own)).toEqual(
      written.map(({ verdict: { id, run, baselineRun, state, x, orders, reason } }) => ({
        id,
        run,
        baselineRun,
        state,
        x,
        orders,
        ...(reason && { reason }),
      })),
    );
    expect(read.map(({ output1, output2, instruction }) => [instruction, output1, output2])).toEqual(
      written.map(({ instruction, outputs }) => [instruction, ...outputs]),
    );
  });

  it('count what somebody changed in the file, not what was written', async () => {
    const rows = pairs().map(annotationOf);
    const changed = rows.map((row, i) => (i === 3 ? { ...row, preference: 1.125 } : row));
    const read = await readAnnotations(fileOf('changed.json', changed));
    expect(read[3]).toMatchObject({ preference: 1.125, own: undefined });
    expect(read[4]!.own).toBeDefined();
  });

  it("keep another program's fields, with its prefix and without", async () => {
    const rest = {
      time_per_example: 2.5,
      preference_price_per_example: 0.01,
      preference_raw_completion: { logprobs: [1] },
      glm_preference: null,
      _version: '1',
    };
    const [read] = await readAnnotations(
      fileOf('rest.json', [
        { instruction: 'i', output_1: 'a', output_2: 'b', annotator: 'x', preference: 2, generator_2: 'm', ...rest },
      ]),
    );
    expect(read).toMatchObject({ generator1: 'reference', generator2: 'm', annotator: 'x', preference: 2, rest });
  });

  it('read NaN, which Python writes though it is not JSON, as missing', async () => {
    const path = fileOf('nan.json', '[{"instruction": "i", "output_1": "a", "output_2": "b", "preference": NaN}]');
    expect((await readAnnotations(path))[0]!.preference).toBeNull();
  });

  it.each([
    [[], /no annotations/],
    [
      [{ instruction: 'i', output_1: 'a', output_2: 'b', preference: 3 }],
      /row 1: expected a preference from 1 .*found 3/,
    ],
    [
      [{ instruction: 'i', output_1: 'a', preference: 1 }],
      /row 1: expected the field output_2 with a text, found nothing/,
    ],
    [[{ output_1: 'a', output_2: 'b', preference: 1 }], /row 1: expected the field instruction/],
  ])('refuse %j with the place', async (rows, message) => {
    await expect(readAnnotations(fileOf('bad.json', rows))).rejects.toThrow(message);
  });

  it('make a leaderboard with its columns, the best first, and nothing where there is no number', () => {
    const { columns, rows } = leaderboardOf([
      { generator: 'worse', scores: [0, 0.5, null], averageLength: 12.9, lengthControlled: null },
      {
        generator: 'better',
        scores: [1, 1],
        averageLength: 3,
        lengthControlled: { winRate: 60.5, low: 50, high: 70, standardError: 2.5, overlap: 0.3, state: 'shown' },
      },
      { generator: 'none', scores: [null], averageLength: 0, lengthControlled: null },
    ]);
    expect(columns.join()).toBe(
      ',win_rate,standard_error,n_wins,n_wins_base,n_draws,n_total,discrete_win_rate,mode,avg_length,length_controlled_winrate,lc_standard_error',
    );
    expect(rows).toEqual([
      ['better', '100', '0', '2', '0', '0', '2', '100', 'community', '3', '60.5', '2.5'],
      ['worse', '25', '25', '0', '1', '1', '2', '25', 'community', '12', '', ''],
      ['none', '', '', '0', '0', '0', '0', '', 'community', '0', '', ''],
    ]);
  });
});
