import { beforeAll, describe, expect, it } from 'vitest';
import { contestsFor, type FloatType } from '../../../scripts/bench/contests.js';
import { slowTypes } from '../../../scripts/bench/left-out.js';
import { measure } from '../../../scripts/bench/measure.js';
import { type Progress, parseRounds, runContests } from '../../../scripts/bench/rounds.js';
import { rowsFor } from '../../../scripts/bench/rows.js';
import type { Outcome, Outcomes } from '../../../scripts/bench/runs.js';
import { type Machine, page } from '../../../scripts/bench/table.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { fakePrograms, runsOf, SETTINGS } from './programs.js';

const folder = temporaryFolder();

/** The peer's products at these GFLOP/s. */
const productsAt = (bfloat16: number, float32: number): Outcome => ({
  what: "the peer's products",
  project: [],
  peers: [
    { ...runsOf('bfloat16', 'gflops', [bfloat16]), type: 'bfloat16' },
    { ...runsOf('float32', 'gflops', [float32]), type: 'float32' },
  ],
});

/** Runs all contests with fake programs, once each. */
async function runAll(gflops: Record<FloatType, number>) {
  const { machine: _, build: __, count: ___, ...contests } = contestsFor(SETTINGS, fakePrograms(folder, gflops));
  const progress: Progress[] = [];
  const outcomes: Outcomes = {};
  for await (const [name, outcome] of runContests(contests, parseRounds('1'), measure, (run) => progress.push(run)))
    outcomes[name] = outcome;
  const { products, ...others } = outcomes;
  return { products: products!, others: others as Record<string, Outcome>, progress };
}

describe('a type in which the peer is too slow', () => {
  let ran: Awaited<ReturnType<typeof runAll>>;
  beforeAll(async () => {
    ran = await runAll({ bfloat16: 17, float32: 110 });
  });

  it('is run in no contest, and each says why', () => {
    const { products, others, progress } = ran;
    expect(products.peers.map(({ runs }) => runs.length)).toEqual([1, 1]);
    expect(Object.keys(others)).toEqual(['step', 'compiled', 'train', 'more', 'decode']);
    for (const { project, peers } of Object.values(others)) {
      expect(project.map(({ runs }) => runs.length)).toEqual([1]);
      for (const { type, runs, leftOut } of peers)
        expect([runs.length, leftOut]).toEqual(
          type === 'float32' ? [1, undefined] : [0, 'products at 17.0 GFLOP/s where float32 reaches 110'],
        );
    }
    expect(progress.map(({ choice }) => choice).filter((name) => name.includes('bfloat16'))).toEqual(['bfloat16']);
    // After the products and the step's first run only what is run counts, by the guesses of the contests.
    expect(Math.round(progress[2]!.left)).toBe(25 + 2 * 60 + 4 * 80 + 4 * 800 + 4 * 45);
  });

  it('is named with the reason in the list of choices', () => {
    const { what, unit, target } = rowsFor(SETTINGS).find(({ id }) => id === 'step')!;
    const step = { ...ran.others.step!, speed: 'tokens_per_s', unit: 'tokens/s' };
    const result = { project: 1, value: 1, reached: null };
    const machine = { date: '2026-11-29', node: 'v20', cpu: '', processor: 'AVX2' } as Machine;
    const figures = { gflops_bfloat16: 1, gflops_float32: 1, read_gbps: 1 };
    const text = page([
      { row: 'step', what, unit, target, ...result, machine: { ...machine, ...figures }, contests: { step } },
    ]);
    expect(text).toContain('| step | bfloat16 | not run: products at 17.0 GFLOP/s where float32 reaches 110 |  |');
  });

  it('is one whose products are less than a fifth as fast, whichever it is', () => {
    const slow = (bfloat16: number, float32: number) => [...slowTypes(productsAt(bfloat16, float32)).keys()];
    expect([slow(17, 100), slow(100, 17)]).toEqual([['bfloat16'], ['float32']]);
    expect([slow(1300, 380), slow(1680, 380), slow(100, 100), slow(20, 100)]).toEqual([[], [], [], []]);
    expect([...slowTypes(undefined)]).toEqual([]);
  });
});

describe('types in which the peer is about as fast', () => {
  it('are both run in all contests', async () => {
    const { others } = await runAll({ bfloat16: 1680, float32: 380 });
    for (const { peers } of Object.values(others))
      for (const { runs, leftOut } of peers) expect([runs.length, leftOut]).toEqual([1, undefined]);
  });
});
