import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { openSession, type Session } from '../../src/backend/session.js';
import * as tf from '../../src/backend/tf.js';
import { traced } from '../../src/backend/trace.js';
import { node, ref } from '../../src/program/captured/graph.js';
import { savedModel } from '../../src/program/captured/saved-model.js';
import { nativeOnly } from '../helpers/backend.js';
import { gamma } from '../helpers/rounding.js';

/** Roundings that the library's rational function for tanh is made of, at most. */
const TANH = 32;

const usual = process.env.TMPDIR;
let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'phasetune-test-'));
  process.env.TMPDIR = temporary;
});
afterEach(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  rmSync(temporary, { recursive: true });
});

/** out = tanh(tanh(sum of x over its columns)), for x [300, 200]. */
function example(): Session {
  const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
  const x = node('Placeholder', { dtype: { type: 'float32' }, shape: { shape: [300, 200] } }, [], [f32(300, 200)]);
  const ones = node('Placeholder', { dtype: { type: 'float32' }, shape: { shape: [200, 1] } }, [], [f32(200, 1)]);
  const product = { T: { type: 'float32' }, transpose_a: { bool: false }, transpose_b: { bool: false } } as const;
  const sum = node('MatMul', product, [ref(x), ref(ones)], [f32(300, 1)]);
  const tanh = (of: typeof sum) => node('Tanh', { T: { type: 'float32' } }, [ref(of)], [f32(300, 1)]);
  return openSession(savedModel(new Map(Object.entries({ x, ones, out: tanh(tanh(sum)) }))));
}

const run = (session: Session) =>
  tf.tidy(() => {
    const [out] = session.run({ x: tf.fill([300, 200], 0.01), ones: tf.ones([200, 1]) }, ['out']);
    return out!.dataSync()[299]!;
  });

nativeOnly('every op of every run is timed, by op and shape', async () => {
  const session = example();
  run(session);
  const start = performance.now();
  const { value, times } = await traced(async () => [run(session), run(session), run(session)]);
  const seconds = (performance.now() - start) / 1000;
  // A sum of 200 terms, and what tanh is off by, which flattens what went in.
  for (const got of value) expect(Math.abs(got - Math.tanh(Math.tanh(2)))).toBeLessThan(gamma(200 + 2 * TANH));
  const of = (name: RegExp) => times.filter(({ op }) => name.test(op));
  expect(of(/MatMul/)).toEqual([
    {
      op: expect.stringMatching(/MatMul$/),
      shape: [300, 1],
      device: expect.stringMatching(/CPU:0$|GPU:0$/),
      calls: 3,
      seconds: expect.any(Number),
    },
  ]);
  expect(of(/Tanh/)).toMatchObject([{ shape: [300, 1], calls: 6 }]);
  const took = times.map((time) => time.seconds);
  expect(took).toEqual([...took].sort((a, b) => b - a));
  expect(Math.min(...took)).toBeGreaterThanOrEqual(0);
  expect(took.reduce((a, b) => a + b)).toBeGreaterThan(0);
  expect(took.reduce((a, b) => a + b)).toBeLessThan(seconds * 3);
  session.close();
});

nativeOnly('nothing is kept on disk or traced afterwards, when the work fails too', async () => {
  const session = example();
  const failed = traced(async () => {
    run(session);
    throw new Error('no more');
  });
  await expect(failed).rejects.toThrow('no more');
  expect(process.env.PHASETUNE_TRACE).toBeUndefined();
  run(session);
  expect(readdirSync(temporary)).toEqual([]);
  expect((await traced(async () => 7)).times).toEqual([]);
  session.close();
});
