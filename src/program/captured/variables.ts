import { dataError } from '../../core/errors.js';
import { type HostTensor, sizeOf } from '../../core/host-tensor.js';
import { wordsOf } from '../../io/float.js';
import type { VariableSpec, VariableValue } from '../program.js';
import {
  BYTES,
  bytesOf,
  constant,
  type Dtype,
  type GraphNode,
  node,
  ref,
  specOf,
  type TensorRef,
  type TensorSpec,
} from './graph.js';
import { firstOf, reshape, scalar, vector } from './graph-nodes.js';
import { HELD_FORMS, type Held } from './held-forms.js';
import { type HeldPart, mapParts, type Parts } from './held-parts.js';
import type { Room } from './quantize-rows.js';

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
export interface GraphVariable {
  /** Unique in the graph; its nodes are `<name>.set` and so on, its inputs `<name>.in.<part>`. */
  readonly name: string;
  readonly spec: VariableSpec;
  /** How it is held on the device. */
  readonly held: Held;
  /** What it is held in. */
  readonly parts: Parts<HeldTensor>;
  /** Fetched to set the variable. */
  readonly set: GraphNode;
  /** Fetched to set the variable to zeros. */
  readonly clear: GraphNode;
  /** Fetched to read the variable, in its declared type. */
  readonly get: GraphNode;
  /** Bytes that it takes on the device. */
  readonly bytes: number;
}

/** The nodes of a variable; `name` is unique in the graph. Only a matrix can be held in fewer bits than 16. */
export function graphVariable(name: string, spec: VariableSpec, held: Held): GraphVariable {
  const form = HELD_FORMS[held];
  const parts = mapParts(form.parts(spec.shape), (part, key) =>
    heldTensor(key === 'value' ? name : `${name}.${key}`, part),
  );
  const all = Object.values(parts);
  return {
    name,
    spec,
    held,
    parts,
    set: done(all.map((part) => part.set)),
    clear: done(all.map((part) => part.clear)),
    get: form.widen(
      mapParts(parts, ({ read }) => ref(read)),
      spec.shape,
      ref,
    ).node,
    bytes: all.reduce((bytes, part) => bytes + bytesOf(specOf(ref(part.read))), 0),
  };
}

function heldTensor(name: string, { zero = 0, ...spec }: HeldPart) {
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
  const empty = node(
    'Fill',
    { T: { type: dtype }, index_type: { type: 'int32' } },
    [ref(vector(shape)), ref(scalar(zero, dtype))],
    [spec],
  );
  return {
    handle,
    input,
    set: assign(handle, fromWords(ref(input), spec), dtype),
    clear: assign(handle, ref(empty), dtype),
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
 * What is fed to a variable for a value, part by part: rounded, widened or as it is; elements of
 * fewer bits than 16 in the `room` that is given. Throws a data error on a value that is not finite
 * where such are held.
 */
export function feedsOf(
  { held }: Pick<GraphVariable, 'held'>,
  [name, value]: VariableValue,
  room?: Room,
): Parts<HostTensor> {
  const form = HELD_FORMS[held];
  try {
    return mapParts(form.feeds(value, room), wordsOf);
  } catch (cause) {
    if (!form.bits || !(cause instanceof RangeError)) throw cause;
    throw dataError(`${name}: cannot be held in ${form.bits} bits: ${cause.message}`, { tensor: name }, cause);
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
  const flat = reshape(ref(all), [count * perWord]);
  return ref(reshape(ref(firstOf(ref(flat), size)), shape));
}
