import { dataError } from '../../core/errors.js';
import { float32, type HostDtype, type HostTensor, int32, sizeOf } from '../../core/host-tensor.js';
import { bitsOf, rounded, widened, wordsOf } from '../../io/float.js';
import type { VariableSpec, VariableValue } from '../program.js';
import {
  BYTES,
  bytesOf,
  cast,
  constant,
  type Dtype,
  type GraphNode,
  identity,
  multiply,
  node,
  ref,
  specOf,
  type TensorRef,
  type TensorSpec,
} from './graph.js';
import { quantizeRows, type Room } from './quantize-rows.js';

/** A tensor that is kept from call to call, and what is fed to set it. */
interface HeldTensor {
  readonly handle: GraphNode;
  /**
   * Its elements as int32 words, each of one element or of several smaller ones, the last filled up
   * with zeros.
   */
  readonly input: GraphNode;
}

/** A variable of the graph, and the ways to it from outside. */
export interface GraphVariable extends HeldTensor {
  /** Unique in the graph; its nodes are `<name>.input` and so on. */
  readonly name: string;
  readonly spec: VariableSpec;
  /** Type in which it is held on the device. */
  readonly held: HostDtype | 'bfloat16' | 'int8';
  /** What int8 elements are multiplied by: float32, one for each row [outputs, 1]. */
  readonly scales?: HeldTensor;
  /** Fetched to set the variable. */
  readonly set: GraphNode;
  /** Fetched to set the variable to zeros. */
  readonly clear: GraphNode;
  /** Fetched to read the variable, in its declared type. */
  readonly get: GraphNode;
  /** Bytes that it takes on the device. */
  readonly bytes: number;
}

/** The nodes of a variable; `name` is unique in the graph. Only a matrix can be held in int8. */
export function graphVariable(name: string, spec: VariableSpec, held: GraphVariable['held']): GraphVariable {
  const main = heldTensor(name, { shape: spec.shape, dtype: held });
  const scales =
    held === 'int8' ? heldTensor(`${name}.scales`, { shape: [spec.shape[0]!, 1], dtype: 'float32' }) : undefined;
  const parts = scales ? [main, scales] : [main];
  const widened = held === spec.dtype ? identity(ref(main.read), []) : cast(ref(main.read), spec.dtype);
  return {
    name,
    spec,
    held,
    handle: main.handle,
    input: main.input,
    ...(scales ? { scales } : {}),
    set: done(parts.map((part) => part.set)),
    clear: done(parts.map((part) => part.clear)),
    get: scales ? multiply(ref(widened), ref(scales.read)) : widened,
    bytes: parts.reduce((bytes, part) => bytes + bytesOf(specOf(ref(part.read))), 0),
  };
}

function heldTensor(name: string, spec: TensorSpec) {
  const { shape, dtype } = spec;
  const handle = node(
    'VarHandleOp',
    { dtype: { type: dtype }, shape: { shape }, shared_name: { string: name }, container: { string: '' } },
    [],
    [{ shape: [], dtype: 'resource' }],
  );
  const perWord = 4 / BYTES[dtype];
  const fed = perWord === 1 ? shape : [Math.ceil(sizeOf(shape) / perWord)];
  const input = node(
    'Placeholder',
    { dtype: { type: 'int32' }, shape: { shape: fed } },
    [],
    [{ shape: fed, dtype: 'int32' }],
  );
  const zeros = node(
    'Fill',
    { T: { type: dtype }, index_type: { type: 'int32' } },
    [ref(vector(shape)), ref(constant({ shape: [], dtype, values: [0] }))],
    [spec],
  );
  return {
    handle,
    input,
    set: assign(handle, fromWords(ref(input), spec), dtype),
    clear: assign(handle, ref(zeros), dtype),
    read: readVariable(handle, spec),
  };
}

/** Gives a variable a new value. */
export const assign = (
  handle: GraphNode,
  value: TensorRef,
  dtype: Dtype,
  after: readonly GraphNode[] = [],
): GraphNode => node('AssignVariableOp', { dtype: { type: dtype } }, [ref(handle), value], [], after);

/** A variable's value. */
export const readVariable = (handle: GraphNode, spec: { shape: readonly number[]; dtype: Dtype }): GraphNode =>
  node('ReadVariableOp', { dtype: { type: spec.dtype } }, [ref(handle)], [spec]);

/** A small tensor that exists once these nodes have run: something to fetch. */
export const done = (after: readonly GraphNode[]): GraphNode => ({
  ...constant({ shape: [], dtype: 'int32', values: [1] }),
  controls: after,
});

/**
 * What is fed to a variable for a value: rounded, widened or as it is; eight-bit elements in the
 * `room` that is given. Throws a data error on a value that is not finite where int8 is held.
 */
export function feedsOf(
  { held }: Pick<GraphVariable, 'held'>,
  [name, value]: VariableValue,
  room?: Room,
): Readonly<Partial<Record<'input' | 'scales', HostTensor>>> {
  if (held === 'int8') return quantized(name, value.dtype === 'bfloat16' ? widened(value) : value, room);
  if (held === 'bfloat16')
    return { input: bitsOf(value.dtype === 'bfloat16' ? value : rounded(value as HostTensor<'float32'>)) };
  return { input: wordsOf(value.dtype === 'bfloat16' ? widened(value) : value) };
}

function quantized(name: string, value: HostTensor, room?: Room): Record<'input' | 'scales', HostTensor> {
  try {
    const { words, scales } = quantizeRows(value as HostTensor<'float32'>, room);
    return { input: int32([words.length], words), scales: wordsOf(float32([scales.length, 1], scales)) };
  } catch (cause) {
    throw dataError(`${name}: cannot be held in 8 bits: ${(cause as Error).message}`, { tensor: name }, cause);
  }
}

/**
 * Elements out of the int32 words that they are fed in. The words stay on the host until the session copies them over,
 * once: float32 that is made into a tensor goes to a card at once, back to be fed, and over again.
 */
export function fromWords(words: TensorRef, { shape, dtype }: TensorSpec): TensorRef {
  if (dtype === 'int32') return words;
  const perWord = 4 / BYTES[dtype];
  if (perWord === 1)
    return ref(node('Bitcast', { T: { type: 'int32' }, type: { type: dtype } }, [words], [{ shape, dtype }]));
  const [count] = specOf(words).shape as [number];
  const types = { T: { type: 'int32' }, type: { type: dtype } } as const;
  const all = node('Bitcast', types, [words], [{ shape: [count, perWord], dtype }]);
  const size = sizeOf(shape);
  if (size === count * perWord) return ref(reshape(ref(all), shape));
  const slice = node(
    'Slice',
    { T: { type: dtype }, Index: { type: 'int32' } },
    [ref(reshape(ref(all), [count * perWord])), ref(vector([0])), ref(vector([size]))],
    [{ shape: [size], dtype }],
  );
  return ref(reshape(ref(slice), shape));
}

const reshape = (from: TensorRef, shape: readonly number[]): GraphNode => {
  const { dtype } = from.node.outputs[from.output]!;
  return node(
    'Reshape',
    { T: { type: dtype }, Tshape: { type: 'int32' } },
    [from, ref(vector(shape))],
    [{ shape, dtype }],
  );
};

const vector = (values: readonly number[]): GraphNode => constant({ shape: [values.length], dtype: 'int32', values });
