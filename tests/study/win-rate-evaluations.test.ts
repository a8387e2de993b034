import { expect, test } from 'vitest';
import { studyFileSchema } from '../../src/study/study-file.js';
import { evaluationsOf } from '../../src/study/win-rate-evaluations.js';

const study = studyFileSchema.parse({ base: {}, arms: { a: {}, b: {}, c: {} }, control: 'a' });

/** Cells by id, `135m-b-seed-2` or `b-seed-2`; those that begin with `!` are not done. */
const evaluations = (...words: string[]) => {
  const cells = words.map((word) => {
    const id = word.replace('!', '');
    const [arm, , seed, split = '1'] = id
      .replace(/^\d+m-/, '')
      .split('-')
      .filter((part) => part !== 'split') as string[];
    const [model] = /^\d+m/.exec(id) ?? [];
    return { id, arm: arm!, axes: model ? { model } : {}, seed: Number(seed), split: Number(split) };
  });
  const states = words.map((word) => ({ state: word.startsWith('!') ? ('failed' as const) : ('done' as const) }));
  return evaluationsOf({ cells: cells as never, record: { study } }, states).map(({ name, control, arms }) => ({
    name,
    arms: [control, ...arms].map((one) => one.cells.map(({ id }) => id).join(' ')),
  }));
};

test('one evaluation of all arms, the control first, runs in the order of work', () => {
  expect(evaluations('b-seed-1', 'a-seed-1', 'c-seed-1', 'a-seed-2', 'b-seed-2', 'c-seed-2')).toEqual([
    { name: 'all', arms: ['a-seed-1 a-seed-2', 'b-seed-1 b-seed-2', 'c-seed-1 c-seed-2'] },
  ]);
});

test('an arm that misses a block of the control has its own evaluation, with the control of its blocks', () => {
  expect(
    evaluations(
      'a-seed-1',
      'b-seed-1',
      '!c-seed-1',
      'a-seed-2',
      'b-seed-2',
      'c-seed-2',
      'a-seed-3',
      'b-seed-3',
      'c-seed-3',
    ),
  ).toEqual([
    { name: 'all', arms: ['a-seed-1 a-seed-2 a-seed-3', 'b-seed-1 b-seed-2 b-seed-3'] },
    { name: 'all+c', arms: ['a-seed-2 a-seed-3', 'c-seed-2 c-seed-3'] },
  ]);
});

test('cells of blocks without a control are in none, and an arm without cells is left out', () => {
  expect(evaluations('!a-seed-1', 'b-seed-1', 'a-seed-2', 'b-seed-2', '!c-seed-2')).toEqual([
    { name: 'all', arms: ['a-seed-2', 'b-seed-2'] },
  ]);
  expect(evaluations('a-seed-1', '!b-seed-1')).toEqual([]);
  expect(evaluations('!a-seed-1', 'b-seed-1')).toEqual([]);
});

test('blocks are seeds and splits', () => {
  expect(evaluations('a-seed-1-split-1', 'b-seed-1-split-1', 'a-seed-1-split-2', '!b-seed-1-split-2')).toEqual([
    { name: 'all+b', arms: ['a-seed-1-split-1', 'b-seed-1-split-1'] },
  ]);
});

test('each combination of the axes has its own', () => {
  expect(evaluations('135m-a-seed-1', '135m-b-seed-1', '360m-a-seed-1', '360m-b-seed-1')).toEqual([
    { name: '135m', arms: ['135m-a-seed-1', '135m-b-seed-1'] },
    { name: '360m', arms: ['360m-a-seed-1', '360m-b-seed-1'] },
  ]);
});
