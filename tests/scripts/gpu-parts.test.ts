import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { jobsIn, PARTS } from '../../scripts/gpu/jobs.js';
import { limitOf } from '../../scripts/gpu/limit.js';
import { findPeer, peerCommand } from '../../scripts/gpu/peers.js';
import { table } from '../../scripts/gpu/table.js';
import { type FakeMachine, fakeMachine, putProgram, runCli } from '../helpers/fake-machine.js';

let machine: FakeMachine | undefined;
afterEach(() => machine?.remove());

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/gpu/run.ts', ...args], { encoding: 'utf8' });

test('a part or a limit that there is not is a usage error', () => {
  const { status, stderr } = run('--only', 'tests,everything');
  expect([status, stderr]).toEqual([2, `error: --only: expected ${PARTS.join(', ')}, got everything\n`]);
  expect(run('--limit', 'soon').stderr).toBe('error: --limit: expected seconds, got soon\n');
});

test('every flag of every job is one of its command', async () => {
  const commands = new Map<string, string[]>();
  for (const { args } of jobsIn('folder')) {
    const name = args.slice(0, args[0] === 'bench' ? 2 : 1).join(' ');
    commands.set(name, [...(commands.get(name) ?? []), ...args.filter((word) => word.startsWith('--'))]);
  }
  expect([...commands.keys()]).toEqual(['bench matmul', 'bench step', 'bench decode', 'bench train', 'demo']);
  const flags = [...commands].map(async ([name, given]) => {
    const { stdout } = await runCli([...name.split(' '), '--help']).ended;
    for (const flag of [...given, '--device']) expect(stdout, `${name} ${flag}`).toMatch(new RegExp(`${flag}\\b`));
  });
  await Promise.all(flags);
});

test('the jobs cover every way of compiling and the two shapes that are compared', () => {
  const steps = jobsIn('folder').filter(({ part }) => part === 'step');
  const compiled = (mode: string) => steps.filter(({ args }) => args[args.indexOf('--compile') + 1] === mode);
  expect(compiled('parts').length).toBeGreaterThan(0);
  expect(compiled('none').length).toBeGreaterThan(0);
  const compared = steps.filter(({ peers }) => peers?.some((args) => args.includes('--compile')));
  expect(compared.map(({ args }) => args.includes('--compile'))).toEqual([false, false]);
  expect(new Set(jobsIn('folder').map(({ name }) => name)).size).toBe(jobsIn('folder').length);
});

test('the table has a line for each, with PEFT, the ratio, and why something was not run', () => {
  const text = table([
    { what: '135M 32x512, whole', state: 'passed', figure: 250_000.4, peer: 100_000, mib: 12_345, expected: '258k' },
    { what: 'tests', state: 'failed', figure: '77 passed', why: '1 tests failed' },
    { what: 'demo', state: 'not run', why: 'the time limit' },
  ]);
  expect(text.split('\n').slice(2)).toEqual([
    '135M 32x512, whole    250,000  100,000   2.50  12,345          258k            passed',
    'tests               77 passed                                                  failed: 1 tests failed',
    'demo                                                                           not run: the time limit',
  ]);
});

test('a limit counts down and then cuts off, and without one nothing is cut off', async () => {
  let time = 0;
  const limit = limitOf(0.02, () => time);
  expect(limit.left()).toBeCloseTo(0.02);
  time = 15;
  expect(limit.left()).toBeCloseTo(0.005);
  await new Promise<void>((done) => limit.signal?.addEventListener('abort', () => done()));
  expect(limitOf(undefined)).toMatchObject({ signal: undefined });
  expect(limitOf(undefined).left()).toBe(Number.POSITIVE_INFINITY);
});

test('the peer needs a Python with the packages and a card, and the way to one is named', () => {
  machine = fakeMachine({ python: false, compiler: false });
  const python = (answer: string) => {
    putProgram(machine!, 'python3', answer);
    return findPeer(undefined, machine!.env);
  };
  expect(python(`console.log('card')`)).toEqual({ python: 'python3' });
  expect(python(`console.log('no card')`)).toEqual({ why: 'PyTorch of python3 sees no card' });
  const absent = python(`console.error("ModuleNotFoundError: No module named 'peft'"); process.exit(1)`);
  expect(absent).toEqual({
    why: expect.stringMatching(/No module named 'peft'\): make one with .*PHASETUNE_PEER_PYTHON/),
  });
  expect(findPeer('/not/there', machine.env)).toEqual({ why: expect.stringContaining('ENOENT') });
  expect(peerCommand('/root', ['--batch', '4']).slice(1)).toEqual(['--device', 'cuda', '--batch', '4']);
});
