import { describe, expect, it } from 'vitest';
import { type Contest, type Contests, contestsFor } from '../../../scripts/bench/contests.js';
import { clearlySlower } from '../../../scripts/bench/left-out.js';
import type { Job } from '../../../scripts/bench/measure.js';
import { type Progress, parseRounds, runContests } from '../../../scripts/bench/rounds.js';
import { bestOf, type Outcomes } from '../../../scripts/bench/runs.js';
import { run, runsOf, SETTINGS } from './programs.js';

const programs = {
  project: (args: readonly string[]): Job => ({ program: 'phasetune', args: ['phasetune', ...args] }),
  peer: (_: string, script: string, args: readonly string[]): Job => ({ program: 'python', args: [script, ...args] }),
};
const all = contestsFor(SETTINGS, programs);

/** A contest of one choice of the project and peers of these names, whose jobs are their names. */
const contest = (peers: readonly string[], after?: Contest['after']): Contest => ({
  what: after ? 'many rows' : 'few rows',
  speed: 'speed',
  unit: 'tokens/s',
  project: [{ name: 'phasetune', job: { program: '', args: ['own'] } }],
  peers: peers.map((name) => ({ name, job: { program: '', args: [name] } })),
  about: 60,
  ...(after && { after }),
});

/** Runs contests with speeds by name, in the order of the runs. */
async function race(
  contests: Contests,
  speeds: Record<string, number[]>,
  rounds = parseRounds('2,more=1'),
  earlier?: Outcomes,
) {
  const calls: string[] = [];
  const progress: Progress[] = [];
  const outcomes: Outcomes = {};
  const measure = async ({ args }: Job) => {
    calls.push(args[0]!);
    return run({ speed: speeds[args[0]!]!.shift() });
  };
  for await (const [name, outcome] of runContests(contests, rounds, measure, (step) => progress.push(step), earlier))
    outcomes[name] = outcome;
  return { calls, progress, outcomes };
}

describe('contests', () => {
  it('run the project once, as it chooses by itself, against every choice of the peer in two types', () => {
    const names = Object.fromEntries(
      Object.entries(all).map(([name, { peers }]) => [name, peers.map((choice) => choice.name)]),
    );
    expect([names.products, names.step]).toEqual([
      ['bfloat16', 'float32'],
      ['bfloat16', 'float32'],
    ]);
    expect(names.compiled).toEqual(['bfloat16, compiled', 'float32, compiled']);
    const rows = ['bfloat16', 'float32'].flatMap((type) =>
      ['padded', 'padded, by length', 'packed'].map((way) => `${type}, ${way}`),
    );
    expect([names.train, names.more]).toEqual([rows, rows]);
    expect(names.decode).toHaveLength(6);
    for (const name of ['step', 'compiled', 'train', 'more', 'decode'] as const) {
      expect(all[name]!.project).toHaveLength(1);
      expect(all[name]!.project[0]!.job.args).not.toContain('--dtype');
      for (const { job, type } of all[name]!.peers) expect(job.args.slice(-2)).toEqual(['--dtype', type]);
    }
    expect(all.train!.peers[5]!.job.args.join(' ')).toContain(
      '--rows 96 --shape smollm2-135m --packing --dtype float32',
    );
    expect(all.more!.peers[0]!.job.args.join(' ')).toContain('--rows 1000');
  });

  it('run the project in a type that is asked for', () => {
    const { step } = contestsFor({ ...SETTINGS, precision: 'float32' }, programs);
    expect(step!.project[0]!.job.args.slice(-2)).toEqual(['--dtype', 'float32']);
  });

  it('have no peer without its Python, and no rows without data', () => {
    const alone = contestsFor({ ...SETTINGS, python: undefined, data: undefined }, programs);
    expect(Object.keys(alone)).toEqual(['machine', 'step', 'compiled', 'decode', 'build']);
    expect(Object.values(alone).flatMap(({ peers }) => peers)).toEqual([]);
  });
});

describe('rounds', () => {
  it('are the same for all, or others for some', () => {
    const rounds = parseRounds('3,more=1,step=5');
    expect([rounds('train'), rounds('more'), rounds('step')]).toEqual([3, 1, 5]);
    for (const wrong of ['', '0', 'more=1', '3,more', '3,more=x', '1.5'])
      expect(() => parseRounds(wrong)('train'), wrong).toThrow('expected 3, or 3,more=1');
  });

  it('run the project and every choice in turn', async () => {
    const speeds = { own: [4, 5], a: [2, 2.5], b: [3, 3] };
    const { calls, outcomes } = await race({ train: contest(['a', 'b']) }, speeds);
    expect(calls).toEqual(['own', 'a', 'b', 'own', 'a', 'b']);
    expect(outcomes.train!.peers.map(({ runs }) => runs.map(({ speed }) => speed))).toEqual([
      [2, 2.5],
      [3, 3],
    ]);
  });

  it('leave out what was clearly slower over less work, and say so', async () => {
    const contests = { train: contest(['slow', 'best', 'near']), more: contest(['slow', 'best', 'near'], 'train') };
    const speeds = { own: [9, 9, 9], slow: [12, 17], best: [20, 22, 21], near: [18, 19, 19] };
    const { calls, outcomes } = await race(contests, speeds);
    expect(calls.slice(8)).toEqual(['own', 'best', 'near']);
    expect(outcomes.more!.peers[0]).toMatchObject({
      runs: [],
      leftOut: 'clearly slower over few rows: 14.5 where the best, best, reached 21.0',
    });
  });

  it('end for a choice that is less than half as fast in the first, and say so', async () => {
    const speeds = { own: [9, 9, 9], slow: [9.9], half: [10, 10, 10], best: [20, 20, 20] };
    const contests = { train: contest(['slow', 'half', 'best']) };
    const { calls, outcomes } = await race(contests, speeds, parseRounds('3'));
    expect(calls.slice(4)).toEqual(['own', 'half', 'best', 'own', 'half', 'best']);
    const [slow, half] = outcomes.train!.peers;
    expect(slow!.leftOut).toBe('less than half as fast: 9.90 where the best, best, reached 20.0');
    expect([slow!.runs.length, half!.runs.length, half!.leftOut]).toEqual([1, 3, undefined]);
  });

  it('leave out what was clearly slower in an earlier command', async () => {
    const peers = [runsOf('slow', 'speed', [14]), runsOf('best', 'speed', [20])];
    const earlier = { train: { what: 'few rows', project: [], peers } };
    const speeds = { own: [9], best: [20] };
    const { calls } = await race({ more: contest(['slow', 'best'], 'train') }, speeds, parseRounds('1'), earlier);
    expect(calls).toEqual(['own', 'best']);
  });

  it('leave out nothing where less work was not measured', async () => {
    const { calls } = await race({ more: contest(['slow', 'best'], 'train') }, { own: [9], slow: [1], best: [20] });
    expect(calls).toEqual(['own', 'slow', 'best']);
  });

  it('report how much is left, by what was run and by guesses', async () => {
    const contests = { train: contest(['a']), more: contest(['a'], 'train') };
    const { progress } = await race(contests, { own: [1, 1, 1], a: [1, 1, 1] });
    // Runs take no time here; a guess is 60 seconds: at first one for the peer's two runs, two for the other contest.
    expect(progress.map(({ left }) => Math.round(left))).toEqual([240, 120, 120, 120, 60, 0]);
    expect(progress.map(({ contest: name, round, rounds }) => `${name} ${round}/${rounds}`)).toEqual([
      ...['train 1/2', 'train 1/2', 'train 2/2', 'train 2/2', 'more 1/1', 'more 1/1'],
    ]);
  });
});

describe('the best choice', () => {
  it('has the best median: one lucky run is not enough', () => {
    const lucky = runsOf('lucky', 'speed', [10, 100, 11]);
    const steady = runsOf('steady', 'speed', [20, 19, 21]);
    const notRun = { ...runsOf('not run', 'speed', []), leftOut: 'clearly slower' };
    expect(bestOf([lucky, steady, notRun], 'speed')!.name).toBe('steady');
    expect(bestOf([notRun], 'speed')).toBeUndefined();
  });

  it('is not clear where runs overlap or come within a tenth', () => {
    const of = (...peers: ReturnType<typeof runsOf>[]) => [...clearlySlower(peers, 'speed', 0.1).keys()];
    expect(of(runsOf('a', 'speed', [10, 30]), runsOf('b', 'speed', [29, 31]))).toEqual([]);
    expect(of(runsOf('a', 'speed', [91]), runsOf('b', 'speed', [100]))).toEqual([]);
    expect(of(runsOf('a', 'speed', [89]), runsOf('b', 'speed', [100]))).toEqual(['a']);
    expect(of()).toEqual([]);
  });
});
