import { expect, it } from 'vitest';
import type { CommandContext } from '../../src/cli/command.js';
import { showScoring } from '../../src/cli/score/progress.js';
import type { ProgressTask } from '../../src/telemetry/progress.js';
import type { ScoreEvent } from '../../src/workflow/score-types.js';

it.each([
  ['openai', { label: 'judge', total: 60, unit: 'questions' }],
  ['loss', { label: 'losses', total: 60, unit: 'tokens' }],
] as const)('%s: time counts from before the first question or batch, on one bar', (scorer, task) => {
  const tasks: ProgressTask[] = [];
  const updates: (readonly [number, string | undefined])[] = [];
  const progress: CommandContext['progress'] = (begun) => {
    tasks.push(begun);
    return { update: (done, note) => updates.push([done, note]), finish: () => {} };
  };
  const { show } = showScoring({ progress } as CommandContext, { maxCost: undefined });
  show({ type: 'start', scorer, total: 60 });
  expect(tasks).toEqual([task]);
  const measured: ScoreEvent = { type: 'measure', tokens: 30, total: 60, seconds: 2, tokensPerSecond: 15 };
  if (scorer === 'loss') show(measured);
  expect(tasks).toHaveLength(1);
  expect(updates).toEqual(scorer === 'loss' ? [[30, '15 tokens/s']] : []);
});
