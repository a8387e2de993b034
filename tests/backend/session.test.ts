import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { afterEach, beforeEach, expect } from 'vitest';
import { nativeBackend } from '../../src/backend/raw/native-op.js';
import { openSession, type Session } from '../../src/backend/session.js';
import * as tf from '../../src/backend/tf.js';
import { message, text, varint } from '../../src/io/protobuf.js';
import { writeNode } from '../../src/program/captured/function-proto.js';
import { constant, type Dtype, type GraphNode, node, ref } from '../../src/program/captured/graph.js';
import { graphDef, savedModel } from '../../src/program/captured/saved-model.js';
import { FIELD, PRODUCER, SCHEMA_VERSION } from '../../src/program/captured/saved-model-schema.js';
import { nativeOnly } from '../helpers/backend.js';
import { leastGrowth } from '../helpers/growth.js';

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

const placeholder = (dtype: Dtype, shape: readonly number[]): GraphNode =>
  node('Placeholder', { dtype: { type: dtype }, shape: { shape } }, [], [{ shape, dtype }]);
const neg = (of: GraphNode): GraphNode => node('Neg', { T: { type: of.outputs[0]!.dtype } }, [ref(of)], of.outputs);
const cast = (of: GraphNode, to: Dtype): GraphNode => {
  const { shape, dtype } = of.outputs[0]!;
  return node('Cast', { SrcT: { type: dtype }, DstT: { type: to } }, [ref(of)], [{ shape, dtype: to }]);
};
const graphOf = (targets: Readonly<Record<string, GraphNode>>) => savedModel(new Map(Object.entries(targets)));

/** x [3] float32; `out` is -x, `7n` the same as int32, `flag` as bool, `low` as bfloat16. */
function example(): Session {
  const x = placeholder('float32', [3]);
  const out = neg(x);
  return openSession(
    graphOf({
      x,
      out,
      '7n': cast(out, 'int32'),
      flag: cast(out, 'bool'),
      low: cast(out, 'bfloat16'),
      wide: cast(out, 'int64'),
    }),
  );
}

/** Handles in the native library, which TensorFlow.js does not count when they are lost. */
const handles = (): number => (nativeBackend().binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();

nativeOnly('what is fetched comes in the order asked for, as float32, int32 and bool', () => {
  const session = example();
  const x = tf.tensor1d([1.5, 0, -2]);
  const outputs = session.run({ x }, ['7n', 'out', 'flag', 'out:0']);
  expect(outputs.map(({ dtype, shape }) => [dtype, shape])).toEqual([
    ['int32', [3]],
    ['float32', [3]],
    ['bool', [3]],
    ['float32', [3]],
  ]);
  expect(outputs.map((output) => [...output.dataSync()])).toEqual([
    [-1, 0, 2],
    [-1.5, -0, 2],
    [1, 0, 1],
    [-1.5, -0, 2],
  ]);
  tf.dispose([x, outputs]);
  session.close();
});

nativeOnly('a node is fed by any name, in any order, whatever else is fed', () => {
  const [a, b] = [placeholder('float32', [2]), placeholder('int32', [2])];
  const sum = node('AddV2', { T: { type: 'float32' } }, [ref(a), ref(cast(b, 'float32'))], a.outputs);
  const session = openSession(graphOf({ '0/a.b_c': a, b, sum }));
  const got = tf.tidy(() =>
    session.run({ b: tf.tensor1d([10, 20], 'int32'), '0/a.b_c': tf.tensor1d([0.5, 1]) }, ['sum'])[0]!.arraySync(),
  );
  expect(got).toEqual([10.5, 21]);
  session.close();
});

nativeOnly('what TensorFlow refuses is an error with its words', () => {
  const session = example();
  const x = tf.tensor1d([1, 2, 3]);
  const count = tf.tensor1d([1, 2, 3], 'int32');
  expect(() => session.run({}, ['out'])).toThrow("You must feed a value for placeholder tensor 'x'");
  expect(() => session.run({ x: count }, ['out'])).toThrow('to be float but int32 is provided');
  expect(() => session.run({ x }, [])).toThrow('Must specify at least one target');
  expect(() => session.run({ x }, ['out:1'])).toThrow("'out' (type: 'Neg', num of outputs: 1) does not have output 1");
  expect(() => session.run({ x }, ['out', 'nothing'])).toThrow('"nothing"');
  expect(() => session.run({ x, nobody: count }, ['out'])).toThrow('"nobody"');
  x.dispose();
  expect(() => session.run({ x }, ['out'])).toThrow('"x" was disposed of');
  count.dispose();
  session.close();
});

nativeOnly('an element type that TensorFlow.js has not is refused, and nothing is kept of that run', () => {
  const session = example();
  const x = tf.tensor1d([1, 2, 3]);
  tf.dispose(session.run({ x }, ['out']));
  const before = handles();
  for (const fetch of ['low', 'wide'])
    expect(() => session.run({ x }, ['out', fetch])).toThrow(new RegExp(`^${fetch} is of TensorFlow's type`));
  expect(handles()).toBe(before);
  x.dispose();
  session.close();
});

nativeOnly('a graph that does not load is an error with TensorFlow’s words, and its folder is gone', () => {
  const unknown = node('NoSuchOp', {}, [], [{ shape: [], dtype: 'float32' }]);
  expect(() => openSession(graphOf({ unknown }))).toThrow("Op type not registered 'NoSuchOp'");
  const untyped = node('Neg', {}, [ref(constant({ shape: [], dtype: 'float32', values: [1] }))], []);
  expect(() => openSession(graphOf({ untyped }))).toThrow("No attr named 'T'");
  expect(() => openSession(Uint8Array.of(1, 2, 3))).toThrow('Failed to load SavedModel');
  expect(readdirSync(temporary)).toEqual([]);
});

nativeOnly('the folder is gone while the session is in use', () => {
  const session = example();
  expect(readdirSync(temporary)).toEqual([]);
  session.close();
});

nativeOnly('a folder for temporary files that is not there is an error', () => {
  process.env.TMPDIR = join(temporary, 'missing');
  expect(example).toThrow('ENOENT');
  mkdirSync(process.env.TMPDIR);
  example().close();
});

nativeOnly('a closed session runs nothing, and is closed only once', () => {
  const [one, other] = [example(), example()];
  const x = tf.tensor1d([1, 2, 3]);
  one.close();
  one.close();
  expect(() => one.run({ x }, ['out'])).toThrow('the session is closed');
  const outputs = other.run({ x }, ['out']);
  expect([...outputs[0]!.dataSync()]).toEqual([-1, -2, -3]);
  tf.dispose([x, outputs]);
  other.close();
});

nativeOnly('a graph is extended by nodes of its own names; what is refused leaves it as it was', () => {
  const session = example();
  const y = placeholder('float32', [2]);
  const twice = graphDef(
    new Map([
      ['y', y],
      ['minus', neg(y)],
    ]),
    'more.',
  );
  session.extend(twice);
  expect(() => session.extend(twice)).toThrow("Node name 'y' already exists in the Graph");
  expect(() => session.extend(Uint8Array.of(1, 2, 3))).toThrow('Invalid GraphDef');
  const given = { x: tf.tensor1d([1, 2, 3]), y: tf.tensor1d([4, 5]) };
  const outputs = session.run(given, ['minus', 'out']);
  expect(outputs.map((output) => [...output.dataSync()])).toEqual([
    [-4, -5],
    [-1, -2, -3],
  ]);
  tf.dispose([...outputs, ...Object.values(given)]);
  session.close();
  expect(() => session.extend(twice)).toThrow('the session is closed');
});

nativeOnly('sessions do not share variables of the same name', () => {
  const open = () => {
    const handle = node(
      'VarHandleOp',
      { dtype: { type: 'float32' }, shape: { shape: [1] }, shared_name: { string: 'v' } },
      [],
      [{ shape: [], dtype: 'resource' }],
    );
    const x = placeholder('float32', [1]);
    const set = node('AssignVariableOp', { dtype: { type: 'float32' } }, [ref(handle), ref(x)], []);
    const done: GraphNode = { ...constant({ shape: [], dtype: 'int32', values: [1] }), controls: [set] };
    const get = node(
      'ReadVariableOp',
      { dtype: { type: 'float32' } },
      [ref(handle)],
      [{ shape: [1], dtype: 'float32' }],
    );
    return openSession(graphOf({ x, done, get }));
  };
  const sessions = [open(), open()];
  const got = tf.tidy(() => {
    for (const [i, session] of sessions.entries()) session.run({ x: tf.tensor1d([i + 1]) }, ['done']);
    return sessions.map((session) => [...session.run({}, ['get'])[0]!.dataSync()]);
  });
  expect(got).toEqual([[1], [2]]);
  for (const session of sessions) session.close();
});

nativeOnly(
  'the graph is run as it is written: TensorFlow would make "not greater" into "less or equal", which differs for NaN',
  () => {
    const x = placeholder('float32', [3]);
    const two = constant({ shape: [3], dtype: 'float32', values: [2] });
    const greater = node('Greater', { T: { type: 'float32' } }, [ref(x), ref(two)], [{ shape: [3], dtype: 'bool' }]);
    const not = node('LogicalNot', {}, [ref(greater)], [{ shape: [3], dtype: 'bool' }]);
    const out = node('Identity', { T: { type: 'bool' } }, [ref(not)], not.outputs);
    const session = openSession(graphOf({ x, out }));
    const got = tf.tidy(() => [...session.run({ x: tf.tensor1d([Number.NaN, 1, 3]) }, ['out'])[0]!.dataSync()]);
    expect(got).toEqual([1, 1, 0]);
    session.close();
  },
);

nativeOnly('runs that fail keep nothing of what they were fed', async () => {
  const [x, y] = [placeholder('float32', [1 << 20]), placeholder('float32', [1 << 20])];
  const sum = node('AddV2', { T: { type: 'float32' } }, [ref(x), ref(y)], x.outputs);
  const session = openSession(graphOf({ x, y, sum }));
  const fail = () =>
    tf.tidy(() => {
      const feeds = { x: tf.zeros([1 << 20]), y: tf.ones([3]) };
      expect(() => session.run(feeds, ['sum'])).toThrow('Incompatible shapes: [1048576] vs. [3]');
    });
  for (let i = 0; i < 10; i++) fail();
  const grown = await leastGrowth(() => {
    for (let i = 0; i < 100; i++) fail();
  });
  // A quarter of what they were fed.
  expect(grown).toBeLessThan((100 * 4 * 2 ** 20) / 4);
  session.close();
});

nativeOnly('a thousand runs leave no tensor behind', () => {
  const session = example();
  const run = (i: number) =>
    tf.tidy(() => {
      const [out, count] = session.run({ x: tf.tensor1d([i, 1, 2]) }, ['out', '7n']);
      return [out!.dataSync()[0], count!.dataSync()[0]];
    });
  expect(run(5)).toEqual([-5, -5]);
  const before = { ...tf.memory(), handles: handles() };
  for (let i = 0; i < 1000; i++) run(i);
  expect({ ...tf.memory(), handles: handles() }).toEqual(before);
  session.close();
});

/** The field of a NodeDef that asks for a device. */
const DEVICE = 4;

nativeOnly('what is asked of a card that is not there is computed by the processor', () => {
  const x = placeholder('float32', [2]);
  const writer = new BinaryWriter();
  varint(writer, FIELD.savedModel.schemaVersion, SCHEMA_VERSION);
  message(writer, FIELD.savedModel.metaGraphs, () => {
    message(writer, FIELD.metaGraph.info, () => text(writer, FIELD.metaInfo.tags, 'serve'));
    message(writer, FIELD.metaGraph.graph, () => {
      message(writer, FIELD.graph.node, () => writeNode(writer, x, 'x', []));
      message(writer, FIELD.graph.node, () => {
        writeNode(writer, neg(x), 'out', ['x']);
        text(writer, DEVICE, '/device:GPU:7');
      });
      message(writer, FIELD.graph.versions, () => varint(writer, FIELD.versions.producer, PRODUCER));
    });
  });
  const session = openSession(writer.finish());
  expect(tf.tidy(() => session.run({ x: tf.tensor1d([1, -2]) }, ['out'])[0]!.arraySync())).toEqual([-1, 2]);
  session.close();
});
