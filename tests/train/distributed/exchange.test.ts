import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gradientSum, sharedNumbers } from '../../../src/train/distributed/exchange.js';
import { fakeExchanges } from './fake-exchange.js';

/** What one process adds up. */
function inOrder(gradients: readonly Float32Array[], losses: readonly number[]) {
  const sum = new Float32Array(gradients[0]!.length);
  let loss = 0;
  for (const [i, gradient] of gradients.entries()) {
    for (let k = 0; k < sum.length; k++) sum[k] = sum[k]! + gradient[k]!;
    loss += losses[i]!;
  }
  return { sum, loss };
}

/** What each rank ends with. */
function together(ranks: number, gradients: readonly Float32Array[], losses: readonly number[]) {
  const size = gradients[0]!.length;
  const step = async (exchange: ReturnType<typeof fakeExchanges>[number]) => {
    const sums = gradientSum(exchange, size);
    const gradient = new Float32Array(size).fill(Number.NaN);
    let loss = Number.NaN;
    for (let first = 0; first < gradients.length; first += ranks) {
      const mine = gradients[first + exchange.rank];
      if (mine) gradient.set(mine);
      loss = await sums.round({
        count: Math.min(ranks, gradients.length - first),
        first: first === 0,
        last: first + ranks >= gradients.length,
        gradient,
        loss: losses[first + exchange.rank] ?? 0,
      });
    }
    return { sum: gradient, loss };
  };
  return Promise.all(fakeExchanges(ranks, sharedNumbers(size, ranks)).map(step));
}

const number = fc.float({ noNaN: true, noDefaultInfinity: true });

test('every rank ends with the sum of one process, to the bit, whatever the ranks and micro-batches', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 1, max: 9 }).chain((size) =>
        fc.array(fc.tuple(fc.array(number, { minLength: size, maxLength: size }), number), {
          minLength: 1,
          maxLength: 11,
        }),
      ),
      async (ranks, given) => {
        const gradients = given.map(([values]) => Float32Array.from(values));
        const losses = given.map(([, loss]) => loss);
        const alone = inOrder(gradients, losses);
        for (const { sum, loss } of await together(ranks, gradients, losses)) {
          expect(new Uint32Array(sum.buffer)).toEqual(new Uint32Array(alone.sum.buffer));
          expect(loss).toBe(alone.loss);
        }
      },
    ),
    { numRuns: 200, seed: 1 },
  );
});

test('the order counts: sums of blocks would differ', async () => {
  const gradients = [1e8, 1, -1e8, 1].map((value) => Float32Array.of(value));
  const [first, second] = await together(2, gradients, [0, 0, 0, 0]);
  // (1e8 + 1) is 1e8 in float32, so in order the sum is 1, and of two blocks 0.
  expect([first!.sum[0], second!.sum[0]]).toEqual([1, 1]);
  expect(Math.fround(1e8 + 1) + Math.fround(-1e8 + 1)).toBe(0);
});

test('a second step begins from zero', async () => {
  const [exchange, other] = fakeExchanges(2, sharedNumbers(3, 2));
  const sums = [gradientSum(exchange!, 3), gradientSum(other!, 3)];
  for (let step = 0; step < 2; step++) {
    const gradients = [Float32Array.of(1, 2, 3), Float32Array.of(10, 20, 30)];
    const round = { count: 2, first: true, last: true };
    const losses = await Promise.all(
      sums.map((sum, rank) => sum.round({ ...round, gradient: gradients[rank]!, loss: rank + 1 })),
    );
    expect(losses).toEqual([3, 3]);
    expect(gradients.map((gradient) => [...gradient])).toEqual([
      [11, 22, 33],
      [11, 22, 33],
    ]);
  }
});
