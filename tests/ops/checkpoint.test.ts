import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { float32, type HostTensor } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { checkpoint } from '../../src/ops/checkpoint.js';
import { differentiable } from '../../src/ops/differentiable.js';
import { rmsNorm } from '../../src/ops/rms-norm.js';
import { swiglu } from '../../src/ops/swiglu.js';
import type { EntryGraph, GraphNode } from '../../src/program/captured/graph.js';
import { lower } from '../../src/program/captured/passes/lower.js';
import { shareCommon } from '../../src/program/captured/passes/share.js';
import { record } from '../../src/program/captured/recorder.js';
import { rootsOf, sortNodes } from '../../src/program/captured/walk.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

const [ROWS, WIDTH, LAYERS] = [64, 32, 12];

const normal = (label: string, ...shape: number[]): HostTensor => {
  const r = random(5, label);
  return float32(
    shape,
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => 0.3 * r.normal()),
  );
};
const tensor = ({ data, shape }: HostTensor): tf.Tensor => tf.tensor(data, [...shape]);
const inputs = (): tf.Tensor[] => [
  tensor(normal('x', ROWS, WIDTH)),
  ...Array.from({ length: LAYERS }, (_, i) => tensor(normal(`w${i}`, WIDTH, WIDTH))),
];

type Run = typeof checkpoint;
const plain: Run = (inputs, constants, work) => work(inputs, constants);

/**
 * Layers one after the other, each with a matrix of its own and all with one vector that lives no
 * longer than this call.
 */
function layers(run: Run, [x, ...matrices]: readonly tf.Tensor[], end: (x: tf.Tensor) => tf.Tensor = (x) => x) {
  const norm = tf.ones([WIDTH]);
  const each = (x: tf.Tensor, w: tf.Tensor) =>
    run([x, w], [norm], ([x, w], [norm]) => {
      const y = rmsNorm(x!, norm!, 1e-5);
      return tf.add(x!, swiglu(tf.matMul(y, w!), y));
    });
  return tf.sum(end(matrices.reduce(each, x!))) as tf.Scalar;
}

/** Hands back how many bytes are alive when the gradient arrives here. */
const probe = (tell: (bytes: number) => void) => (x: tf.Tensor) =>
  differentiable(
    [x] as const,
    (x) => ({ value: tf.clone(x), saved: [] as const }),
    (dy) => {
      tell(tf.memory().numBytes);
      return tf.clone(dy);
    },
  );

beforeAll(() => testBackend());

test('value and gradients are bit for bit those of the same work without it; nothing is left behind', () => {
  const before = tf.memory().numTensors;
  const both = [plain, checkpoint].map((run) =>
    tf.tidy(() => {
      const { value, grads } = tf.valueAndGrads((...all: tf.Tensor[]) => layers(run, all))(inputs());
      return [value, ...grads].map((t) => t.dataSync());
    }),
  );
  expect(both[1]).toEqual(both[0]);
  expect(both[0]).toHaveLength(2 + LAYERS);
  expect(both[0]!.every((data) => data.every((x) => Number.isFinite(x) && x !== 0))).toBe(true);
  expect(tf.memory().numTensors).toBe(before);
});

test('when the gradient comes, of each layer only its input is still there', () => {
  const alive = (run: Run): number => {
    const before = tf.memory().numBytes;
    let bytes = 0;
    const end = probe((now) => {
      bytes = now;
    });
    tf.tidy(() => tf.valueAndGrads((...all: tf.Tensor[]) => layers(run, all, end))(inputs()));
    return bytes - before;
  };
  expect(alive(checkpoint)).toBeLessThan(alive(plain) / 3);
});

nativeOnly('in a recorded graph the second run waits for its gradient and is not joined with the first', () => {
  const shapes = inputs().map(({ shape }) => shape);
  const withoutComposites = (graph: EntryGraph) => lower(graph, () => undefined);
  const names = shapes.map((_, i) => `input${i}`);
  const graphOf = (run: Run) =>
    shareCommon(
      withoutComposites(
        record(
          'test',
          {
            inputs: Object.fromEntries(names.map((name, i) => [name, { shape: shapes[i]!, dtype: 'float32' }])),
            run(_, inputs) {
              const { grads } = tf.valueAndGrads((...all: tf.Tensor[]) => layers(run, all))(
                names.map((n) => inputs[n]!),
              );
              return { outputs: Object.fromEntries(grads.map((grad, i) => [names[i]!, grad])) };
            },
          },
          {},
          Object.fromEntries(names.map((name, i) => [name, { shape: shapes[i]!, dtype: 'float32' as const }])),
        ),
      ),
    );
  const nodes = (run: Run) => sortNodes(rootsOf(graphOf(run)));
  const sigmoids = (all: readonly GraphNode[]) => all.filter(({ op }) => op === 'Sigmoid');
  // The last layer's value is needed by nothing but the sum, whose gradient does not depend on it.
  expect(sigmoids(nodes(plain)).length).toBe(LAYERS * 2 - 1);
  const twice = nodes(checkpoint);
  expect(sigmoids(twice).length).toBe(LAYERS * 2 - 1);
  const waiting = (all: readonly GraphNode[]) =>
    all.filter(({ op, controls }) => op === 'Identity' && controls.length > 0);
  // The second run for the gradient, and the gradient that goes on for the others of the layer.
  expect(waiting(twice).length - waiting(nodes(plain)).length).toBe(2 * LAYERS);
  const matMuls = (all: readonly GraphNode[]) => all.filter(({ op }) => op.endsWith('MatMulV2') || op === 'MatMul');
  // A product of the first run in each layer but the last, one of the second, two of the gradient.
  expect(matMuls(twice).length - matMuls(nodes(plain)).length).toBe(LAYERS - 1);
});
