import { expect, test } from 'vitest';
import { random } from '../../src/core/random.js';
import { spikeWatch } from '../../src/train/spike.js';

const watchOf = (losses: readonly number[]) => {
  const watch = spikeWatch();
  for (const loss of losses) watch.add(loss);
  return watch;
};

test('there is no limit before 20 losses', () => {
  const watch = spikeWatch();
  for (let i = 0; i < 20; i++) {
    expect(watch.limit()).toBe(Number.POSITIVE_INFINITY);
    watch.add(2);
  }
  expect(watch.limit()).toBe(6);
});

test('the limit is three times the median, and two nats over it at least', () => {
  expect(watchOf(Array(30).fill(0.25)).limit()).toBe(2.25);
  expect(watchOf(Array(30).fill(3)).limit()).toBe(9);
  // The median of an even number of them lies between the two in the middle.
  expect(watchOf([...Array(10).fill(1.5), ...Array(10).fill(2.5)]).limit()).toBe(6);
});

test('only the last 64 losses count', () => {
  const watch = watchOf([...Array(100).fill(9), ...Array(33).fill(1)]);
  expect(watch.limit()).toBe(3);
  expect(watch.state()).toHaveLength(64);
});

test('a watch goes on from its state, as JSON too, as if nothing had been between', () => {
  const { normal } = random(3, 'losses');
  const losses = Array.from({ length: 150 }, () => 2 + 0.7 * normal());
  for (const at of [0, 7, 20, 63, 64, 65, 140]) {
    const whole = watchOf(losses.slice(0, at));
    const other = spikeWatch(JSON.parse(JSON.stringify(whole.state())));
    for (const loss of losses.slice(at)) {
      expect(other.limit()).toBe(whole.limit());
      whole.add(loss);
      other.add(loss);
    }
    expect(other.state()).toEqual(whole.state());
  }
});
