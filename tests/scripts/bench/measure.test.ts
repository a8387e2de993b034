import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { contestsFor } from '../../../scripts/bench/contests.js';
import { measure, nameOf } from '../../../scripts/bench/measure.js';
import { emulation } from '../../../scripts/bench/processor.js';
import { runContests } from '../../../scripts/bench/rounds.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { fakePrograms, SETTINGS } from './programs.js';

const folder = temporaryFolder();

describe('a measured run', () => {
  it('gets the emulation, on both sides, and without it nothing', async () => {
    const { decode } = contestsFor(SETTINGS, fakePrograms(folder));
    const jobs = [decode!.project[0]!.job, decode!.peers[0]!.job];
    const figures = await Promise.all(jobs.map((job) => measure(job, emulation('avx512_core_bf16'))));
    expect(figures.map(({ isa }) => isa)).toEqual(['AVX512_CORE_BF16', 'AVX512_CORE_BF16']);
    const isa = process.env.ONEDNN_MAX_CPU_ISA ?? null;
    expect(await measure(jobs[0]!)).toMatchObject({ isa, load_before: expect.any(Number) });
  });

  it('has no folder of this machine in its figures', async () => {
    const { train } = contestsFor(SETTINGS, fakePrograms(folder));
    const contests = { train: { ...train!, peers: train!.peers.slice(0, 1) } };
    for await (const [, outcome] of runContests(contests, () => 1, measure)) {
      const line = JSON.stringify({ ...outcome, project: outcome.project.map((choice) => choice.command) });
      expect(line).not.toContain(tmpdir());
      expect(outcome.peers[0]!.command).toContain('--tokenizer SmolLM2 --data rows.jsonl');
      expect(outcome.peers[0]!.command).not.toContain('somebody');
    }
  });

  it('is named without folders', () => {
    expect(
      nameOf({ program: 'python', args: ['/home/somebody/peers/trl_sft.py', '--data', '/home/somebody/x.jsonl'] }),
    ).toBe('trl_sft.py --data x.jsonl');
  });

  it('that fails is an error with the end of what it said', async () => {
    const job = { program: process.execPath, args: ['-e', 'console.error("no memory"); process.exit(3)'] };
    await expect(measure(job)).rejects.toThrow(/ended with 3 and without figures:\nno memory/);
  });
});
