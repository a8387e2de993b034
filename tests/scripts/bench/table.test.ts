import { describe, expect, it } from 'vitest';
import { rowsFor } from '../../../scripts/bench/rows.js';
import type { Outcomes } from '../../../scripts/bench/runs.js';
import { type Machine, page, type Record, reached } from '../../../scripts/bench/table.js';
import { machineOf, run, runsOf, SETTINGS } from './programs.js';

const rows = rowsFor(SETTINGS);
const row = (id: string) => rows.find((each) => each.id === id)!;

const outcomes: Outcomes = {
  machine: machineOf(1600, 400, 25),
  step: {
    what: 'step',
    project: [
      runsOf('phasetune', 'tokens_per_s', [900, 880, 920], {
        peak_rss_mib: 1900,
        dtype: 'bfloat16',
        flop_per_token: 5e8,
      }),
    ],
    peers: [
      runsOf('bfloat16', 'tokens_per_s', [500, 530, 520], { peak_rss_mib: 3300 }),
      runsOf('float32', 'tokens_per_s', [340, 999, 350], { peak_rss_mib: 2000 }),
    ],
  },
  decode: { what: 'decoding', project: [runsOf('phasetune', 'weights_gbps', [15, 20])], peers: [] },
  count: {
    what: 'few rows and many',
    project: [
      runsOf('100 rows', 'steady_tokens_per_s', [100, 100]),
      runsOf('10000 rows', 'steady_tokens_per_s', [97, 99]),
    ],
    peers: [],
  },
};

describe('a line of the table', () => {
  it('compares medians with those of the best choice, and rounds with its rounds', () => {
    const { project, other, choice, value, range } = row('step').measure(outcomes);
    expect({ project, other, choice }).toEqual({ project: 900, other: 520, choice: 'bfloat16' });
    expect(value).toBeCloseTo(900 / 520, 12);
    expect(range).toEqual([880 / 530, 900 / 500]);
  });

  it('compares memory with that of the fastest choice, not of the smallest', () => {
    expect(row('step-rss').measure(outcomes)).toMatchObject({ project: 1900, other: 3300, choice: 'bfloat16' });
  });

  it("is a share of the faster type's product, whatever type the step ran in", () => {
    expect(row('share').measure(outcomes)).toMatchObject({ project: 450, other: 1600, value: 450 / 1600 });
    const slowBfloat16 = { ...outcomes, machine: machineOf(150, 600, 25) };
    expect(row('share').measure(slowBfloat16).value).toBe(450 / 600);
  });

  it('is a share of the streaming read', () => {
    expect(row('decode-read').measure(outcomes)).toMatchObject({
      project: 17.5,
      other: 25,
      value: 0.7,
      range: [0.6, 0.8],
    });
  });

  it('is what many rows lose', () => {
    const { value, range } = row('count').measure(outcomes);
    expect(value).toBeCloseTo(0.02, 12);
    expect(range!.map((x) => Number(x.toFixed(12)))).toEqual([0.01, 0.03]);
  });

  it('has no value where there is no peer, and then reaches nothing and misses nothing', () => {
    const { project, value } = row('decode').measure({
      decode: { what: 'decoding', project: [runsOf('phasetune', 'tokens_per_s', [3])], peers: [] },
    });
    expect([project, value]).toEqual([3, Number.NaN]);
    expect(reached(row('decode').target, value)).toBeNull();
    expect([reached({ least: 1.8 }, 1.8), reached({ least: 1.8 }, 1.79), reached({ most: 0.65 }, 0.66)]).toEqual([
      ...[true, false, false],
    ]);
  });
});

const MACHINE: Machine = {
  cpu: 'Some Processor 9000',
  processor: 'AMX',
  cores: 2,
  memory_gib: 8,
  node: 'v20.20.0',
  date: '2026-11-29',
  gflops_bfloat16: 1640.2,
  gflops_float32: 380.4,
  peer_gflops: { bfloat16: 1500, float32: 379.6 },
  read_gbps: 26.04,
};

function record(id: string, machine = MACHINE): Record {
  const { what, unit, target, contests, measure } = row(id);
  const result = measure(outcomes);
  const named = { speed: 'tokens_per_s', unit: 'tokens/s' };
  const compared = contests.map((name) => [name, { ...named, ...outcomes[name]! }] as const);
  const verdict = reached(target, result.value);
  return { row: id, what, unit, ...result, target, reached: verdict, machine, contests: Object.fromEntries(compared) };
}

describe('the section of the page', () => {
  it('names the machine, the best choice, the range and all choices', () => {
    const text = page([record('step'), record('share'), record('step-rss'), record('count')]);
    expect(text).toMatch(/^### AMX\n/);
    expect(text).toContain('on 29 November 2026 on Some Processor 9000 (AMX), 2 cores, 8 GiB, with Node 20.20.0');
    expect(text).toContain(
      "1,640 GFLOP/s in bfloat16 and 380 in float32, the peer's 1,500 in bfloat16 and 380 in float32; a streaming read, 26 GB/s.",
    );
    expect(text).toContain('Load before the runs: 0.1.');
    expect(text).toContain(
      '| step, tokens/s, against PEFT | 900 | 520 (bfloat16) | **1.73 ×** | 1.66 × to 1.80 × | at least 1.35 × | yes |',
    );
    expect(text).toContain('| 1,900 | 3,300 (bfloat16) | **0.58 ×** | 0.58 × | at most 0.65 × | yes |');
    expect(text).toMatch(/\| 450 \| 1,600 \| \*\*28.1 %\*\* \| 27.5 % to 28.7 % \| at least 78.0 % \| no \|/);
    expect(text).toContain('| step | phasetune (bfloat16) | 900, 880, 920 tokens/s | 1,900 |');
    expect(text).toContain('| step | float32 | 340, 999, 350 tokens/s | 2,000 |');
  });

  it('says what was not run and why, and which processor was imitated', () => {
    const step = record('step', { ...MACHINE, emulated: 'AVX512-BF16' });
    const { contests } = step;
    const peers = [
      contests.step!.peers[0]!,
      { ...contests.step!.peers[1]!, runs: [], leftOut: 'clearly slower over few rows' },
    ];
    const text = page([{ ...step, contests: { step: { ...contests.step!, peers } } }]);
    expect(text).toMatch(/^### AVX512-BF16, emulated on AMX\n/);
    expect(text).toContain('on Some Processor 9000 (AMX), which imitates AVX512-BF16, 2 cores');
    expect(text).toContain('| step | float32 | not run: clearly slower over few rows |  |');
    const again = [
      peers[0]!,
      { ...contests.step!.peers[1]!, runs: [run({ tokens_per_s: 340 })], leftOut: 'less than half as fast' },
    ];
    expect(page([{ ...step, contests: { step: { ...contests.step!, peers: again } } }])).toContain(
      '| step | float32 | 340 tokens/s; not run again: less than half as fast |  |',
    );
  });

  it('has no products of the peer where they were not measured', () => {
    const { peer_gflops: _, ...alone } = MACHINE;
    for (const machine of [alone, { ...alone, peer_gflops: {} }])
      expect(page([record('step', machine)])).toContain('and 380 in float32; a streaming read');
  });

  it('names the number of rows that was asked for', () => {
    const few = rowsFor({ ...SETTINGS, more: '300' }).find(({ id }) => id === 'more');
    expect([few!.what, row('more').what].map((what) => what.split(' end')[0])).toEqual([
      '300 real rows',
      '1,000 real rows',
    ]);
  });

  it('is the same from lines that were written and read again', () => {
    const lines = [record('step'), record('decode'), record('count')];
    expect(page(JSON.parse(JSON.stringify(lines)))).toBe(page(lines));
  });

  it('lists the versions that the runs reported', () => {
    const runs = [
      run({ tokens_per_s: 1, versions: { torch: '2.15.0', trl: '1.16.0' } }),
      run({ tensorflow: '2.21.0' }),
    ];
    const step = record('step');
    const peers = [{ name: 'bfloat16', command: '', runs }];
    expect(page([{ ...step, contests: { step: { ...step.contests.step!, peers } } }])).toContain(
      'Node 20.20.0, torch 2.15.0, trl 1.16.0, TensorFlow 2.21.0.',
    );
  });
});
