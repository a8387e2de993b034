import { describe, expect, test } from 'vitest';
import { constant, type Dtype, type GraphNode, identity, node, ref } from '../../../src/program/captured/graph.js';
import { peakBytes } from '../../../src/program/captured/memory.js';
import { assign, readVariable } from '../../../src/program/captured/variables.js';

/** A node with one output of so many elements. */
const call = (op: string, inputs: readonly GraphNode[], elements: number, dtype: Dtype = 'float32'): GraphNode =>
  node(
    op,
    {},
    inputs.map((input) => ref(input)),
    [{ shape: [elements], dtype }],
  );
const input = (): GraphNode => call('Placeholder', [], 10);
/** Makes a tensor out of others and never writes over them. */
const product = (inputs: readonly GraphNode[], elements = 100) => call('MatMul', inputs, elements);

describe('most bytes of tensors alive at one time', () => {
  test('what is fed or constant is not counted, a tensor counts until its last use', () => {
    const fed = input();
    const first = product([fed, constant({ shape: [10], dtype: 'float32', values: [1] })]);
    expect(peakBytes([first])).toBe(400);
    const second = product([first], 50);
    expect(peakBytes([second])).toBe(600);
    const third = product([second], 25);
    expect(peakBytes([third])).toBe(600);
    expect(peakBytes([product([third, first], 1)])).toBe(700);
  });

  test('types count by their size', () => {
    expect(peakBytes([call('Cast', [product([input()])], 100, 'bfloat16')])).toBe(600);
    expect(peakBytes([call('Cast', [product([input()])], 100, 'bool')])).toBe(500);
  });

  test('an op writes over an input of its size that nothing else needs', () => {
    const x = product([input()]);
    expect(peakBytes([call('Sigmoid', [x], 100)])).toBe(400);
    expect(peakBytes([call('Sigmoid', [call('Exp', [x], 100)], 100)])).toBe(400);
    const y = call('Mul', [x, call('Sigmoid', [x], 100)], 100);
    expect(peakBytes([y])).toBe(800);
    expect(peakBytes([call('Mul', [product([input()], 1), x], 100)])).toBe(404);
    expect(peakBytes([call('Sub', [x, x], 100)])).toBe(800);
  });

  test('another shape, and the same once more, are the same memory', () => {
    const x = product([input()]);
    const same = call('Reshape', [x, constant({ shape: [2], dtype: 'int32', values: [10, 10] })], 100);
    expect(peakBytes([identity(ref(same), [])])).toBe(400);
    // The first is still needed by way of the second.
    const last = product([same, product([product([x], 10)], 10)], 10);
    expect(peakBytes([last])).toBe(480);
  });

  test('a result that nothing needs goes at once', () => {
    const two = node(
      'Split',
      {},
      [ref(product([input()], 10))],
      [
        { shape: [100], dtype: 'float32' },
        { shape: [50], dtype: 'float32' },
      ],
    );
    expect(peakBytes([node('MatMul', {}, [ref(two, 1)], [{ shape: [75], dtype: 'float32' }])])).toBe(640);
  });

  test('what is ready is worked out, needed or not, unless it has to wait', () => {
    const kept = product([input()], 10);
    const chain = (from: GraphNode) => [100, 100, 100].reduce((x, size) => product([x], size), from);
    const late = (from: GraphNode) => product([from], 1000);
    const early = peakBytes([product([chain(kept), late(kept)], 1)]);
    const end = chain(kept);
    const waiting = late(identity(ref(kept), [end]));
    expect(early).toBe(4 * (1000 + 100 + 100));
    expect(peakBytes([product([end, waiting], 1)])).toBe(4 * (1000 + 100 + 10));
  });

  test('a variable is not counted; its new value is, until it takes the place of the old', () => {
    const handle = node('VarHandleOp', {}, [], [{ shape: [], dtype: 'resource' }]);
    const read = readVariable(handle, { shape: [100], dtype: 'float32' });
    expect(peakBytes([read])).toBe(0);
    const next = call('AddV2', [read, product([input()], 1)], 100);
    const set = assign(handle, ref(next), 'float32', [read]);
    expect(peakBytes([set])).toBe(404);
    const after = node('MatMul', {}, [ref(input())], [{ shape: [90], dtype: 'float32' }], [set]);
    expect(peakBytes([after])).toBe(404);
  });

  test('a compiled call needs a float32 copy of what it adds up, and writes over nothing', () => {
    const spec = { shape: [100], dtype: 'bfloat16' } as const;
    const argument = node('Placeholder', {}, [], [spec]);
    const called = (op: string) => {
      const body = { name: op, inputs: [argument], outputs: [ref(call(op, [argument], 100, 'bfloat16'))] };
      const x = call('MatMul', [input()], 100, 'bfloat16');
      return node('PartitionedCall', { f: { function: body } }, [ref(x)], [spec]);
    };
    expect(peakBytes([called('Neg')])).toBe(200 + 200);
    expect(peakBytes([called('Softmax')])).toBe(200 + 200 + 400);
  });
});
