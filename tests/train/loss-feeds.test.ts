import { describe, expect, test } from 'vitest';
import { float32 } from '../../src/core/host-tensor.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import { lossesByRow, lossFeedShapes, lossFeeds } from '../../src/train/loss-feeds.js';

/** A row of tokens `from`, `from + 1` and on, trained where `mask` has an x. */
const row = (id: string, from: number, mask: string): EncodedRow => ({
  id,
  ids: Int32Array.from(mask, (_, t) => from + t),
  mask: Uint8Array.from(mask, (mark) => (mark === 'x' ? 1 : 0)),
  trained: mask.split('x').length - 1,
});
const [a, b, c] = [row('a', 10, '..x.x'), row('b', 20, '.xx'), row('c', 30, '...x')] as const;
const shape = { lines: 3, length: 9, targets: 8 };
const plain = (feeds: ReturnType<typeof lossFeeds>) =>
  Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, [...data]]));

test('rows lie one behind another, positions restart, and what predicts a trained token is the one before it', () => {
  const feeds = lossFeeds({ lines: [[a, b], [c]], shape }, 0.5);
  expect(plain(feeds)).toEqual({
    ids: [[10, 11, 12, 13, 14, 20, 21, 22, 0], [30, 31, 32, 33, 0, 0, 0, 0, 0], new Array(9).fill(0)].flat(),
    positions: [[0, 1, 2, 3, 4, 0, 1, 2, 0], [0, 1, 2, 3, 0, 0, 0, 0, 0], new Array(9).fill(0)].flat(),
    sources: [1, 3, 5, 6, 11, 0, 0, 0],
    labels: [12, 14, 21, 22, 33, 0, 0, 0],
    weights: [0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0],
  });
  expect(Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feed.shape]))).toEqual(
    lossFeedShapes(shape),
  );
});

test('a row may fill its line, and all places for trained tokens, to the last', () => {
  const feeds = plain(lossFeeds({ lines: [[a, c]], shape: { lines: 1, length: 9, targets: 3 } }, 1));
  expect(feeds.ids).toEqual([10, 11, 12, 13, 14, 30, 31, 32, 33]);
  expect(feeds.sources).toEqual([1, 3, 7]);
});

test('losses are added up by row, in the order of the lines', () => {
  const losses = float32([8], Float32Array.of(1, 2, 4, 8, 16, 99, 99, 99));
  expect([...lossesByRow({ lines: [[a, b], [c]], shape }, losses)]).toEqual([3, 12, 16]);
});

describe('what does not fit is an error', () => {
  test.each([
    ['a line that is too full', { ...shape, length: 7 }, 'rows a, b: 8 tokens in a line of 7'],
    ['too many lines', { ...shape, lines: 1 }, '2 lines in a batch of 1'],
    ['too many trained tokens', { ...shape, targets: 4 }, '5 trained tokens in a batch of 4'],
  ])('%s', (_what, small, message) => {
    expect(() => lossFeeds({ lines: [[a, b], [c]], shape: small }, 1)).toThrow(message);
  });
});
