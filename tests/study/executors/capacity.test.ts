import { describe, expect, test } from 'vitest';
import { capacityOf, threadsFor } from '../../../src/study/executors/capacity.js';

const GIB = 2 ** 30;
const machine = (cores: number, free?: number, onCard = false) => ({
  cores,
  freeBytes: free === undefined ? undefined : free * GIB,
  onCard,
});
const cells = (...gib: (number | null)[]) =>
  gib.map((each) => ({
    forecast: { seconds: null, diskBytes: null, memoryBytes: each === null ? null : each * GIB },
  }));

test('threads are all cores, shared by the cells that run at once', () => {
  expect(threadsFor({}, 8)).toBe(8);
  expect(threadsFor({ parallel: 3 }, 8)).toBe(2);
  expect(threadsFor({ parallel: 16 }, 8)).toBe(1);
  expect(threadsFor({ parallel: 3, threads: 5 }, 8)).toBe(5);
});

describe('as many cells run at once', () => {
  test('as there are cores for their threads', () => {
    expect(capacityOf({ threads: 2 }, cells(1), machine(8, 100)).parallel).toBe(4);
    expect(capacityOf({ threads: 3 }, cells(null), machine(8)).parallel).toBe(2);
    expect(capacityOf({ threads: 16 }, cells(1), machine(8, 100)).parallel).toBe(1);
    expect(capacityOf({}, cells(1), machine(8, 100)).parallel).toBe(1);
  });

  test('as 85 % of the free memory has room for, by the largest forecast', () => {
    expect(capacityOf({ threads: 1 }, cells(1, 4, 2), machine(8, 20)).parallel).toBe(4);
    expect(capacityOf({ threads: 1 }, cells(4), machine(8, 18.8)).parallel).toBe(3);
    expect(capacityOf({ threads: 1 }, cells(4), machine(8, 2)).parallel).toBe(1);
  });

  test('as one on a card', () => {
    expect(capacityOf({ threads: 1 }, cells(1), machine(8, 100, true)).parallel).toBe(1);
  });

  test('as were asked for, with a warning where they do not fit', () => {
    expect(capacityOf({ parallel: 4, threads: 2 }, cells(4), machine(8, 20))).toEqual({ parallel: 4, warnings: [] });
    expect(capacityOf({ parallel: 4, threads: 3 }, cells(8), machine(8, 20))).toEqual({
      parallel: 4,
      warnings: [
        '4 cells at once, of 3 threads each, share 8 cores: the study has fixed threads',
        '4 cells at once are forecast to take 32.0 GiB of memory, and 20.0 GiB are free',
      ],
    });
    expect(capacityOf({ parallel: 2, threads: 8 }, cells(8), machine(8, 5, true)).warnings).toEqual([]);
  });
});
