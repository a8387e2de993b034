import { afterEach, describe, expect, test } from 'vitest';
import { openSession, type Session } from '../../../src/backend/session.js';
import * as tf from '../../../src/backend/tf.js';
import { float32, int32 } from '../../../src/core/host-tensor.js';
import { toBfloat16 } from '../../../src/io/float.js';
import {
  type Attributes,
  type Constant,
  constant,
  type Dtype,
  type GraphNode,
  node,
  ref,
  type TensorRef,
} from '../../../src/program/captured/graph.js';
import { savedModel } from '../../../src/program/captured/saved-model.js';
import { nativeOnly } from '../../helpers/backend.js';

const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

function load(targets: Readonly<Record<string, GraphNode>>): Session {
  const session = openSession(savedModel(new Map(Object.entries(targets))));
  sessions.push(session);
  return session;
}

/** Elements of what is fetched; everything is freed. */
function elements(session: Session, feeds: Readonly<Record<string, tf.Tensor>>, fetches: readonly string[]) {
  const outputs = session.run(feeds, fetches);
  const all = outputs.map((output) => [...output.dataSync()]);
  tf.dispose([outputs, { ...feeds }]);
  return all;
}

const T = (dtype: Dtype): Attributes => ({ T: { type: dtype } });
const placeholder = (shape: readonly number[], dtype: Dtype): GraphNode =>
  node('Placeholder', { dtype: { type: dtype }, shape: { shape } }, [], [{ shape, dtype }]);
const cast = (from: TensorRef, to: Dtype): GraphNode => {
  const { shape, dtype } = from.node.outputs[from.output]!;
  return node('Cast', { SrcT: { type: dtype }, DstT: { type: to } }, [from], [{ shape, dtype: to }]);
};
const floats = (values: readonly number[], shape: readonly number[] = [values.length]): GraphNode =>
  constant({ shape, dtype: 'float32', values });
const ints = (values: readonly number[]): GraphNode => constant({ shape: [values.length], dtype: 'int32', values });
const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const neg = (of: GraphNode): GraphNode => node('Neg', T('float32'), [ref(of)], of.outputs);

describe('constants', () => {
  const { MAX_SAFE_INTEGER } = Number;
  /** Elements that are exact in float32, by type. */
  const VALUES: Readonly<Record<Exclude<Dtype, 'resource'>, readonly number[]>> = {
    float32: [0, -1.5, 3.4e38, Math.fround(0.1), Number.POSITIVE_INFINITY, Number.NaN],
    bfloat16: [0, -1.5, 0.0078125, 65536, Number.NEGATIVE_INFINITY, Number.NaN],
    int32: [0, -1, 127, -(2 ** 31), 2 ** 30, 8],
    int64: [0, -1, 2 ** 40, -(2 ** 53), 5, 8],
    int8: [0, -1, 127, -128, 5, 8],
    uint8: [0, 1, 127, 128, 255, 8],
    bool: [0, 1, 1, 0, 1, 0],
  };
  const dtypes = Object.keys(VALUES) as (keyof typeof VALUES)[];
  const fetched = (value: Constant): number[] =>
    elements(load({ out: cast(ref(constant(value)), 'float32') }), {}, ['out'])[0]!;
  const exact = (values: readonly number[]) => values.map(Math.fround);

  for (const dtype of dtypes) {
    nativeOnly(`${dtype}: every element arrives`, () => {
      expect(fetched({ dtype, shape: [2, 3], values: VALUES[dtype] })).toEqual(exact(VALUES[dtype]));
    });
    nativeOnly(`${dtype}: one element fills the shape`, () => {
      for (const value of VALUES[dtype])
        expect(fetched({ dtype, shape: [2, 2], values: [value] })).toEqual(exact(Array(4).fill(value)));
    });
    nativeOnly(`${dtype}: a scalar, and no elements at all`, () => {
      expect(fetched({ dtype, shape: [], values: [1] })).toEqual([1]);
      expect(fetched({ dtype, shape: [0, 4], values: [] })).toEqual([]);
    });
  }

  nativeOnly('int64 keeps what float32 could not tell apart', () => {
    const value = constant({ dtype: 'int64', shape: [2], values: [MAX_SAFE_INTEGER, 7] });
    const less = constant({ dtype: 'int64', shape: [], values: [MAX_SAFE_INTEGER - 3] });
    const difference = node('Sub', T('int64'), [ref(value), ref(less)], [{ shape: [2], dtype: 'int64' }]);
    const session = load({ out: cast(ref(difference), 'int32') });
    expect(elements(session, {}, ['out'])[0]![0]).toBe(3);
  });

  const ROUNDED = [
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [-1 - 2 ** -8 - 2 ** -20, -1 - 2 ** -7],
    [Math.PI, 3.140625],
    [3.4e38, Number.POSITIVE_INFINITY],
  ] as const;
  nativeOnly('bfloat16 rounds to nearest, ties to even, as a block and as one element', () => {
    const values = ROUNDED.map(([value]) => value);
    const rounded = ROUNDED.map(([, value]) => value);
    expect(fetched({ dtype: 'bfloat16', shape: [5], values })).toEqual(rounded);
    expect(values.flatMap((value) => fetched({ dtype: 'bfloat16', shape: [], values: [value] }))).toEqual(rounded);
  });

  test('elements that do not fill the shape are refused', () => {
    const write = (shape: number[], values: number[]) => () =>
      savedModel(new Map([['c', constant({ dtype: 'float32', shape, values })]]));
    expect(write([2, 2], [1, 2, 3])).toThrow(
      new RangeError('expected 4 elements, or one, for a constant of shape [2, 2], got 3'),
    );
    expect(write([2], [])).toThrow('got 0');
  });
});

describe('attributes', () => {
  const A = floats([1, 2, 3, 4, 5, 6], [2, 3]);
  const only = (out: GraphNode) => elements(load({ out }), {}, ['out'])[0];

  nativeOnly('bool', () => {
    const [yes, no] = [{ bool: true }, { bool: false }];
    const product = (transposeA: Attributes[string], transposeB: Attributes[string]) =>
      only(
        node(
          'MatMul',
          { ...T('float32'), transpose_a: transposeA, transpose_b: transposeB },
          [ref(A), ref(A)],
          [f32(2, 2)],
        ),
      );
    expect(product(no, yes)).toEqual([14, 32, 32, 77]);
    expect(product(yes, no)).toEqual([17, 22, 27, 22, 29, 36, 27, 36, 45]);
  });

  nativeOnly('int, and negative', () => {
    for (const [axis, want] of [
      [0, [1, 2, 10, 20]],
      [-1, [1, 10, 2, 20]],
    ] as const) {
      const attributes = { ...T('float32'), N: { int: 2 }, axis: { int: axis } };
      expect(only(node('Pack', attributes, [ref(floats([1, 2])), ref(floats([10, 20]))], [f32(2, 2)]))).toEqual(want);
    }
  });

  nativeOnly('float', () => {
    const attributes = { ...T('float32'), alpha: { float: 0.3 } };
    expect(only(node('LeakyRelu', attributes, [ref(floats([-2, 5]))], [f32(2)]))).toEqual([Math.fround(-0.6), 5]);
  });

  nativeOnly('string', () => {
    const attributes = { ...T('float32'), N: { int: 1 }, equation: { string: 'ij->ji' } };
    expect(only(node('Einsum', attributes, [ref(A)], [f32(3, 2)]))).toEqual([1, 4, 2, 5, 3, 6]);
  });

  nativeOnly('list of int, and an empty one', () => {
    const shapeOf = (dims: readonly number[]) => {
      const squeeze = node(
        'Squeeze',
        { ...T('float32'), squeeze_dims: { ints: dims } },
        [ref(floats([7, 8], [1, 2, 1]))],
        [],
      );
      const outputs = load({ out: squeeze }).run({}, ['out']);
      tf.dispose(outputs);
      return outputs[0]!.shape;
    };
    expect(shapeOf([0])).toEqual([2, 1]);
    expect(shapeOf([-1])).toEqual([1, 2]);
    expect(shapeOf([])).toEqual([2]);
  });

  nativeOnly('list of types, and a further output', () => {
    const both = node(
      'IdentityN',
      { T: { types: ['float32', 'int32'] } },
      [ref(A), ref(ints([8, 9]))],
      [f32(2, 3), { shape: [2], dtype: 'int32' }],
    );
    const second = node('Neg', T('int32'), [ref(both, 1)], [{ shape: [2], dtype: 'int32' }]);
    const session = load({ both, second });
    expect(elements(session, {}, ['second', 'both:1', 'both'])).toEqual([
      [-8, -9],
      [8, 9],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  nativeOnly('list of strings', () => {
    const place = (beside: string) =>
      node('Neg', { ...T('float32'), _class: { strings: [beside] } }, [ref(A)], [f32()]);
    expect(elements(load({ A, out: place('loc:@A') }), {}, ['out'])[0]).toEqual([-1, -2, -3, -4, -5, -6]);
    expect(() => load({ A, out: place('loc:@B') }).run({}, ['out'])).toThrow(/B/);
  });

  nativeOnly('shape', () => {
    const x = placeholder([2, 3], 'float32');
    const out = node('EnsureShape', { ...T('float32'), shape: { shape: [2, 3] } }, [ref(x)], [f32(2, 3)]);
    const session = load({ x, out });
    expect(elements(session, { x: tf.ones([2, 3]) }, ['out'])[0]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(() => session.run({ x: tf.ones([3, 2]) }, ['out'])).toThrow('not compatible with expected shape [2,3]');
  });
});

describe('names and order', () => {
  nativeOnly('a target may have any name, that of another target made up for it too', () => {
    const [first, second] = [floats([1]), floats([2])];
    const session = load({ n0: neg(neg(first)), n1: neg(second), '7/up.weight_a': second });
    expect(elements(session, {}, ['n0', 'n1', '7/up.weight_a'])).toEqual([[1], [-2], [2]]);
  });

  nativeOnly('one node may be two targets', () => {
    const out = neg(floats([1, 2]));
    expect(elements(load({ a: out, b: out }), {}, ['a', 'b'])).toEqual([
      [-1, -2],
      [-1, -2],
    ]);
  });

  nativeOnly('a chain of 20,000 nodes is written and loaded', () => {
    const x = placeholder([2], 'float32');
    const first = neg(x);
    let last = first;
    for (let i = 1; i < 20_000; i++) last = neg(last);
    const session = load({ x, first, last });
    expect(elements(session, { x: tf.tensor1d([3, 4]) }, ['first'])[0]).toEqual([-3, -4]);
  });

  test('the same graph gives the same bytes', () => {
    const graph = () => new Map([['out', neg(neg(floats([1, 2])))]]);
    expect(savedModel(graph())).toEqual(savedModel(graph()));
  });
});

describe('variables', () => {
  const handle = (dtype: Dtype, shape: readonly number[]) =>
    node(
      'VarHandleOp',
      { dtype: { type: dtype }, shape: { shape }, shared_name: { string: 'v' } },
      [],
      [{ shape: [], dtype: 'resource' }],
    );
  const assign = (to: GraphNode, value: TensorRef, dtype: Dtype, after: readonly GraphNode[] = []) =>
    node('AssignVariableOp', { dtype: { type: dtype } }, [ref(to), value], [], after);
  const read = (from: GraphNode, dtype: Dtype, shape: readonly number[], after: readonly GraphNode[] = []) =>
    node('ReadVariableOp', { dtype: { type: dtype } }, [ref(from)], [{ shape, dtype }], after);
  const done = (after: readonly GraphNode[]): GraphNode => ({ ...ints([1]), controls: after });

  nativeOnly('are set, read, and set after they were read, as the controls say', () => {
    const [v, x] = [handle('float32', [2]), placeholder([2], 'float32')];
    const before = read(v, 'float32', [2]);
    const sum = node('AddV2', T('float32'), [ref(before), ref(x)], [f32(2)]);
    const update = assign(v, ref(sum), 'float32', [before]);
    const session = load({
      x,
      set: done([assign(v, ref(x), 'float32')]),
      now: read(v, 'float32', [2]),
      old: node('Identity', T('float32'), [ref(before)], [f32(2)], [update]),
      next: read(v, 'float32', [2], [update]),
    });
    expect(elements(session, { x: tf.tensor1d([1, 2]) }, ['set'])).toEqual([[1]]);
    expect(elements(session, {}, ['now'])).toEqual([[1, 2]]);
    for (let i = 1; i <= 3; i++)
      expect(elements(session, { x: tf.tensor1d([10, 20]) }, ['old', 'next'])).toEqual([
        [10 * i - 9, 20 * i - 18],
        [10 * i + 1, 20 * i + 2],
      ]);
    expect(elements(session, {}, ['now'])).toEqual([[31, 62]]);
  });

  nativeOnly('one never set is an error that names it', () => {
    expect(() => load({ out: read(handle('float32', [2]), 'float32', [2]) }).run({}, ['out'])).toThrow(
      /resource.* v|v.*uninitialized/i,
    );
  });

  nativeOnly('bfloat16 weights go in as bits, two by two in int32', () => {
    const weights = float32([2, 4], [0.1, -0.2, 0.3, 1e-3, 1e10, -5, 6.7, 0]);
    const bits = int32([4], new Int32Array(toBfloat16(weights.data).buffer));
    const x = placeholder([4], 'int32');
    const types = { T: { type: 'int32' }, type: { type: 'bfloat16' } } as const;
    const pairs = node('Bitcast', types, [ref(x)], [{ shape: [4, 2], dtype: 'bfloat16' }]);
    const value = node(
      'Reshape',
      { ...T('bfloat16'), Tshape: { type: 'int32' } },
      [ref(pairs), ref(ints([2, 4]))],
      [{ shape: [2, 4], dtype: 'bfloat16' }],
    );
    const v = handle('bfloat16', [2, 4]);
    const session = load({
      x,
      set: done([assign(v, ref(value), 'bfloat16')]),
      out: cast(ref(read(v, 'bfloat16', [2, 4])), 'float32'),
    });
    elements(session, { x: tf.tensor1d(bits.data as Int32Array, 'int32') }, ['set']);
    const [got] = elements(session, {}, ['out']);
    expect(toBfloat16(Float32Array.from(got!))).toEqual(toBfloat16(weights.data));
    for (const [i, want] of weights.data.entries())
      expect(Math.abs(got![i]! - want)).toBeLessThanOrEqual(Math.abs(want) / 256);
  });
});
