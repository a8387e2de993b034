import { beforeAll, describe, expect, test } from 'vitest';
import { after } from '../../../src/backend/raw/after.js';
import { composite } from '../../../src/backend/raw/composite.js';
import * as tf from '../../../src/backend/tf.js';
import { type GraphNode, node, ref, specOf } from '../../../src/program/captured/graph.js';
import { decompositionOf, lower } from '../../../src/program/captured/passes/lower.js';
import { record } from '../../../src/program/captured/recorder.js';
import { rootsOf, sortNodes } from '../../../src/program/captured/walk.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { interpret } from './interpret.js';

beforeAll(async () => {
  await testBackend();
});

type Work = Parameters<typeof composite>[3];

/** x + y and x y, of which the second waits for y. */
const both: Work = ([x, y]) => [tf.add(x!, y!), tf.mul(after(x!, y!), y!)];
const SPEC = { shape: [3], dtype: 'float32' } as const;

const recorded = (work: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor[]) =>
  record(
    'test',
    {
      inputs: { x: SPEC, y: SPEC },
      run: (_, { x, y }) => ({
        outputs: Object.fromEntries(work(tf.sigmoid(x!), tf.sqrt(y!)).map((t, i) => [`${i}`, t])),
      }),
    },
    {},
    { x: SPEC, y: SPEC },
  );
const nodesOf = (graph: ReturnType<typeof recorded>): GraphNode[] => sortNodes(rootsOf(graph));

test('op by op a composite is what it is made of, and leaves nothing behind', () => {
  const [x, y] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([4, 5, 6])];
  const before = tf.memory().numTensors;
  const made = composite('Both', { by: 2 }, [x, y], (given) => both(given).map((t) => tf.mul(t, 2)));
  expect(made.map((t) => [...t.dataSync()])).toEqual([
    [10, 14, 18],
    [8, 20, 36],
  ]);
  tf.dispose(made);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([x, y]);
});

describe('recorded', () => {
  const graph = () => recorded((x, y) => composite('Both', { by: 2, fast: true }, [x, y], both));
  const only = (op: string, nodes: readonly GraphNode[]) => {
    const found = nodes.filter((each) => each.op === op);
    expect(found).toHaveLength(1);
    return found[0]!;
  };

  nativeOnly('it is one node with its attributes', () => {
    const made = only('Both', nodesOf(graph()));
    expect(made.attributes).toMatchObject({ by: { int: 2 }, fast: { bool: true } });
    expect(made.outputs).toEqual([SPEC, SPEC]);
    expect(nodesOf(graph()).map(({ op }) => op)).not.toContain('Mul');
    expect(decompositionOf(made)!.inputs).toHaveLength(2);
  });

  nativeOnly('a device that has nothing for it gets what it is made of, waiting for what it was given', () => {
    const given = { x: Float32Array.of(1, 2, 3), y: Float32Array.of(4, 5, 6) };
    const lowered = lower(graph(), () => undefined);
    const plain = recorded((x, y) => both([x, y]));
    expect(interpret(lowered, given)).toEqual(interpret(plain, given));
    const nodes = nodesOf(lowered);
    expect(nodes.map(({ op }) => op).sort()).toEqual(
      nodesOf(plain)
        .map(({ op }) => op)
        .sort(),
    );
    expect(only('Identity', nodes).controls).toEqual([only('Sqrt', nodes)]);
  });

  nativeOnly('a device that has an op for it gets that', () => {
    const lowered = lower(graph(), (now) => {
      if (now.op !== 'Both') return undefined;
      const own = node('Own', {}, now.inputs, [specOf(now.inputs[0]!), SPEC]);
      return [ref(own, 1), ref(own)];
    });
    const nodes = nodesOf(lowered);
    expect(nodes.map(({ op }) => op).sort()).toEqual(['Own', 'Placeholder', 'Placeholder', 'Sigmoid', 'Sqrt']);
    expect(Object.values(lowered.outputs).map(({ output }) => output)).toEqual([1, 0]);
  });

  nativeOnly('what it uses besides its inputs is refused', () => {
    expect(() => recorded((x, y) => composite('Sly', {}, [x], ([x]) => [tf.add(x!, y)]))).toThrow(
      'Sly takes a tensor that is not among its inputs',
    );
  });
});
