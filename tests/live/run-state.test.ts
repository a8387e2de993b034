import { expect, it } from 'vitest';
import type { FolderHolder } from '../../src/io/lock-file.js';
import { progressOf, runStateOf, stateBlocks, stateInWords } from '../../src/live/views/run-state.js';
import { startHistory } from '../../src/train/run-history.js';
import { runEvent, runFileOf, stageEvent, stageOf } from './run-files.js';

const START = Date.parse('2026-01-02T03:04:05.000Z');
const at = (seconds: number) => new Date(START + 1000 * seconds).toISOString();
const holder = (standing: FolderHolder['standing'], seenMs = START): FolderHolder => ({
  pid: 12,
  host: 'node-7',
  since: at(0),
  standing,
  seenMs,
});

/** A run whose steps were made at these times (seconds), in two stages of `steps`. */
function historyOf(steps: number, times: readonly number[], second = runEvent(steps)) {
  const { history, add } = startHistory();
  add({ time: at(0), ...second });
  times.forEach((time, i) => {
    const stage = i < steps ? 1 : 2;
    if (i % steps === 0) add({ time: at(time), ...stageEvent(stage, steps) });
    add({
      time: at(time),
      type: 'step',
      stage,
      step: (i % steps) + 1,
      steps,
      epoch: 1,
      loss: 2,
      learningRate: 1e-4,
      gradNorm: 1,
      tokens: 100,
      trainedTokens: 50,
      seconds: 1,
      tokensPerSecond: 100,
    });
  });
  return history;
}

it('is what files and lock say together: a killed run still says that it runs', () => {
  const history = historyOf(10, [1]);
  const run = runFileOf(10);
  expect(runStateOf({ history: startHistory().history })).toBe('unknown');
  expect(runStateOf({ history: startHistory().history, holder: holder('here') })).toBe('preparing');
  expect(runStateOf({ history, run, holder: holder('here') })).toBe('running');
  expect(runStateOf({ history, run, holder: holder('away') })).toBe('running');
  expect(runStateOf({ history, run, holder: holder('gone') })).toBe('interrupted');
  expect(runStateOf({ history, run })).toBe('interrupted');
  expect(runStateOf({ history, run: runFileOf(10, { status: 'done' }) })).toBe('done');
  expect(runStateOf({ history, run: runFileOf(10, { status: 'failed' }) })).toBe('failed');
  expect(stateInWords({ history, run, holder: holder('here') })).toBe('running, stage 1 of 2');
});

it('reckons how far it is and how long it takes by tokens, over both stages', () => {
  expect(progressOf({ history: startHistory().history })).toBeUndefined();
  // The first step, in which programs are built, is not part of the pace.
  const history = historyOf(10, [60, 62, 64, 66]);
  expect(progressOf({ history })).toEqual({ step: 4, steps: 20, share: 0.2, secondsLeft: 32 });
  // A second stage with steps of three times the tokens takes three times as long.
  const uneven = {
    ...runEvent(10),
    stages: [stageOf(1, 10), { ...stageOf(2, 10), tokens: 3000 }],
  } as typeof runEvent extends (steps: number) => infer E ? E : never;
  const other = progressOf({ history: historyOf(10, [60, 62, 64, 66], uneven) })!;
  expect(other.share).toBeCloseTo(0.1, 12);
  expect(other.secondsLeft).toBeCloseTo(6 * 2 + 10 * 6, 9);
  expect(progressOf({ history: historyOf(10, [60]) })!.secondsLeft).toBeUndefined();
});

it('leaves out of the pace what lay between two attempts', () => {
  const history = historyOf(10, [1, 2, 3, 1000, 1004, 1008]);
  const resumed = [{ time: at(990), changes: [] }];
  const { secondsLeft } = progressOf({ history, run: runFileOf(10, { resumed }) })!;
  expect(secondsLeft).toBeCloseTo(14 * 4, 9);
  // Nothing was made since it was resumed: it is not known how fast that will be.
  const later = [{ time: at(2000), changes: [] }];
  expect(progressOf({ history, run: runFileOf(10, { resumed: later }) })!.secondsLeft).toBeUndefined();
});

const text = (blocks: unknown) => JSON.stringify(blocks);

it('says what is not known, and that there is no sign of life', () => {
  const facts = {
    history: historyOf(10, [1]),
    run: runFileOf(10),
    holder: holder('away', START + 2000),
    writtenMs: START + 1000,
  };
  const soon = text(stateBlocks(facts, START + 50_000));
  expect(soon).toContain('["Memory","not known: its process is on node-7"]');
  expect(soon).toContain('["Time left","not known"]');
  expect(soon).toContain(`["Last sign of life","${at(2)}"]`);
  expect(soon).not.toContain('No sign of life');
  expect(text(stateBlocks(facts, START + 63_000))).toContain('No sign of life for more than 1 min');
  expect(text(stateBlocks(facts, START + 200_000))).toContain('No sign of life for more than 3 min');
  const over = text(
    stateBlocks(
      { ...facts, holder: undefined, run: runFileOf(10, { status: 'failed', error: 'disk full' }) },
      START + 200_000,
    ),
  );
  expect(over).toContain('The run failed. disk full');
  expect(over).not.toContain('No sign of life');
});
