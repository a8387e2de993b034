import { describe, expect, test } from 'vitest';
import { replaySharesFor, stageOptionsFor, trainOptions } from '../../src/train/options.js';

const resolve = (given: Record<string, unknown>, count = 3) => stageOptionsFor(trainOptions.parse(given), count);

test('the defaults are those of the paper, for three epochs', () => {
  const paper = {
    start: 'previous-end',
    schedule: 'fresh',
    optimizer: 'fresh',
    adapter: 'continued',
    length: { unit: 'epochs', amount: 3 },
  };
  expect(resolve({})).toEqual([paper, paper, paper]);
});

test('a stage says otherwise by its position, the rest stays', () => {
  const [first, second] = resolve({ epochs: 2, stages: [{}, { start: 'base', steps: 5 }] }, 2);
  expect(first).toMatchObject({ start: 'previous-end', length: { unit: 'epochs', amount: 2 } });
  expect(second).toMatchObject({ start: 'base', length: { unit: 'steps', amount: 5 } });
});

test('shares of replay are one for all stages, a list, or said by a stage; one-off has those of the stages it joins', () => {
  const shares = (given: Record<string, unknown>) => replaySharesFor(trainOptions.parse(given), 3);
  expect(shares({ replay: 0.5 })).toEqual([0.5, 0.5, 0.5]);
  expect(shares({ replay: [0, 0.1] })).toEqual([0, 0.1, 0]);
  expect(shares({ replay: 0.5, stages: [{}, { replay: 0.2 }] })).toEqual([0.5, 0.2, 0.5]);
  expect(shares({ order: 'one-off', replay: [0, 0.1, 0.2] })).toEqual([0, 0.1, 0.2]);
  expect(shares({ order: 'one-off', replay: [0, 0.1, 0.2], stages: [{ replay: 0.3 }] })).toEqual([0.3, 0.3, 0.3]);
  expect(() => shares({ replay: [0, 1, 1, 1] })).toThrow(
    '`replay`: expected at most 3 entries, one for each stage of the set, got 4',
  );
});

test('a budget leaves the lengths open', () => {
  expect(resolve({ budget: 1000 }).map(({ length }) => length)).toEqual([undefined, undefined, undefined]);
});

describe('what does not go together is refused by name', () => {
  test.each([
    [{ stages: [{}, {}] }, 1, /^`stages`: expected at most 1 entry, the one stage of `order: phased`, got 2/],
    [
      { stages: [{}, {}, {}, {}] },
      3,
      /^`stages`: expected at most 3 entries, one for each stage of `order: phased`, got 4/,
    ],
    [{ epochs: 1, tokens: 5 }, 3, /^`epochs` and `tokens` are both given; expected one length/],
    [{ stages: [{}, { steps: 1, epochs: 1 }] }, 3, /^epochs and steps in entry 2 of `stages` are both given/],
    [{ budget: 10, steps: 1 }, 3, /^`budget` and `steps` are both given/],
    [{ budget: 10, stages: [{ tokens: 4 }] }, 3, /^`budget` and tokens in entry 1 of `stages` are both given/],
    [
      { optimizer: 'carried', adapter: 'merged' },
      3,
      /^stage 2: `optimizer: carried` does not go with `adapter: merged`/,
    ],
    [{ optimizer: 'carried', stages: [{}, {}, { start: 'base' }] }, 3, /^stage 3: .* does not go with `start: base`/],
  ])('%j', (given, count, message) => {
    expect(() => resolve(given, count)).toThrow(message);
  });
});

test('the first stage may carry the run-wide options, having nothing before it', () => {
  expect(() => resolve({ optimizer: 'carried', adapter: 'merged' }, 1)).not.toThrow();
});
