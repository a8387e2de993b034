import { expect, it } from 'vitest';
import { evalChanges } from '../../../src/eval/answers/changes.js';
import type { EvalFile } from '../../../src/eval/eval-file.js';

const evaluation = (answering: EvalFile['answering']): EvalFile => ({
  schema: 'phasetune/evaluation',
  version: 1,
  versions: {},
  begunIn: '/',
  baseline: 'base',
  sets: [{ name: 'koala', path: 'koala.jsonl', sha256: '0', rows: 2, chosen: 2 }],
  seed: 0,
  arms: { base: { runs: [{ source: 'models/base' }] } },
  answering: { template: 'chat', maxTokens: 256, precision: 'float32', batch: 16, ...answering },
  judges: {},
});

it.each([
  ['templates', { template: 'paper' }, ['template was "chat", is "paper"']],
  ['maxTokens', { maxTokens: 64 }, ['maxTokens was 256, is 64']],
  ['precision', { precision: 'bfloat16' }, ['precision was "float32", is "bfloat16"']],
])('answers made with other %s are a change, which is refused unless `force`', (_, given, expected) => {
  expect(evalChanges(evaluation({}), evaluation(given))).toEqual(expected);
});

it('weights in 4 bits are one where it is known that they were not', () => {
  const is = evaluation({ loadIn4bit: true });
  expect(evalChanges(evaluation({ loadIn4bit: false }), is)).toEqual(['loadIn4bit was false, is true']);
  expect(evalChanges(evaluation({}), is)).toEqual([]);
});

it('another size of batches, and losses beside the answers, are none', () => {
  expect(evalChanges(evaluation({}), evaluation({ batch: 4, loss: true }))).toEqual([]);
});
