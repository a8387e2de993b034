import { type HostDtype, type HostTensor, sizeOf } from '../../core/host-tensor.js';
import { bitsOf, rounded, widened } from '../../io/float.js';
import type { VariableSpec, VariableValue } from '../program.js';
import { constant, type Dtype, type GraphNode, identity, node, type Ref, ref } from './graph.js';

/** A variable of the graph, and the ways to it from outside. */
export interface GraphVariable {
  /** Unique in the graph; its nodes are `<name>.input` and so on. */
  readonly name: string;
  readonly spec: VariableSpec;
  /** Type in which it is held on the device. */
  readonly held: HostDtype | 'bfloat16';
  readonly handle: GraphNode;
  /** Is fed to set it: its elements, or for bfloat16 their bits two by two as int32 [ceil(n / 2)]. */
  readonly input: GraphNode;
  /** Is fetched to set it. */
  readonly set: GraphNode;
  /** Is fetched to set it to zeros. */
  readonly clear: GraphNode;
  /** Is fetched to read it, in its declared type. */
  readonly get: GraphNode;
}

/** The nodes of a variable; `name` is unique in the graph. */
export function graphVariable(name: string, spec: VariableSpec, held: GraphVariable['held']): GraphVariable {
  const { shape } = spec;
  const handle = node(
    'VarHandleOp',
    { dtype: { type: held }, shape: { shape }, shared_name: { string: name }, container: { string: '' } },
    [],
    [{ shape: [], dtype: 'resource' }],
  );
  const inputSpec =
    held === 'bfloat16'
      ? { shape: [Math.ceil(sizeOf(shape) / 2)], dtype: 'int32' as const }
      : { shape, dtype: spec.dtype };
  const input = node(
    'Placeholder',
    { dtype: { type: inputSpec.dtype }, shape: { shape: inputSpec.shape } },
    [],
    [inputSpec],
  );
  const value = held === 'bfloat16' ? fromBits(ref(input), shape) : ref(input);
  const zeros = node(
    'Fill',
    { T: { type: held }, index_type: { type: 'int32' } },
    [ref(vector(shape)), ref(constant({ shape: [], dtype: held, values: [0] }))],
    [{ shape, dtype: held }],
  );
  const read = readVariable(handle, { shape, dtype: held });
  const get = held === 'bfloat16' ? cast(ref(read), 'float32') : identity(ref(read), []);
  return {
    name,
    spec,
    held,
    handle,
    input,
    set: done([assign(handle, value, held)]),
    clear: done([assign(handle, ref(zeros), held)]),
    get,
  };
}

/** Gives a variable a new value. */
export const assign = (handle: GraphNode, value: Ref, dtype: Dtype, after: readonly GraphNode[] = []): GraphNode =>
  node('AssignVariableOp', { dtype: { type: dtype } }, [ref(handle), value], [], after);

/** A variable's value. */
export const readVariable = (handle: GraphNode, spec: { shape: readonly number[]; dtype: Dtype }): GraphNode =>
  node('ReadVariableOp', { dtype: { type: spec.dtype } }, [ref(handle)], [spec]);

/** A small tensor that exists once these nodes have run: something to fetch. */
export const done = (after: readonly GraphNode[]): GraphNode => ({
  ...constant({ shape: [], dtype: 'int32', values: [1] }),
  controls: after,
});

/** What is fed to the variable's `input` for a value: rounded, widened or as it is. */
export function feedOf({ held }: Pick<GraphVariable, 'held'>, value: VariableValue[1]): HostTensor {
  if (held === 'bfloat16') return bitsOf(value.dtype === 'bfloat16' ? value : rounded(value as HostTensor<'float32'>));
  return value.dtype === 'bfloat16' ? widened(value) : value;
}

/** bfloat16 elements out of their bits: no float32 copy is made on the way. */
function fromBits(bits: Ref, shape: readonly number[]): Ref {
  const pairs = Math.ceil(sizeOf(shape) / 2);
  const types = { T: { type: 'int32' }, type: { type: 'bfloat16' } } as const;
  const both = node('Bitcast', types, [bits], [{ shape: [pairs, 2], dtype: 'bfloat16' }]);
  const all = reshape(ref(both), [pairs * 2]);
  if (sizeOf(shape) % 2 === 0) return ref(reshape(ref(both), shape));
  const size = sizeOf(shape);
  const slice = node(
    'Slice',
    { T: { type: 'bfloat16' }, Index: { type: 'int32' } },
    [ref(all), ref(vector([0])), ref(vector([size]))],
    [{ shape: [size], dtype: 'bfloat16' }],
  );
  return ref(reshape(ref(slice), shape));
}

const reshape = (from: Ref, shape: readonly number[]): GraphNode => {
  const { dtype } = from.node.outputs[from.output]!;
  return node(
    'Reshape',
    { T: { type: dtype }, Tshape: { type: 'int32' } },
    [from, ref(vector(shape))],
    [{ shape, dtype }],
  );
};

const cast = (from: Ref, to: Dtype): GraphNode => {
  const { shape, dtype } = from.node.outputs[from.output]!;
  return node('Cast', { SrcT: { type: dtype }, DstT: { type: to } }, [from], [{ shape, dtype: to }]);
};

const vector = (values: readonly number[]): GraphNode => constant({ shape: [values.length], dtype: 'int32', values });
