import { sizeOf } from '../../core/host-tensor.js';

/** Element types of a graph's tensors, under TensorFlow's names. */
export type Dtype = 'float32' | 'bfloat16' | 'int32' | 'int64' | 'int8' | 'uint8' | 'bool' | 'resource';

/** Bytes of an element; a resource, and what it refers to, is not counted. */
export const BYTES: Readonly<Record<Dtype, number>> = {
  float32: 4,
  bfloat16: 2,
  int32: 4,
  int64: 8,
  int8: 1,
  uint8: 1,
  bool: 1,
  resource: 0,
};

/** Shape and element type of one output of a node. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

/** A constant's elements in row-major order; a single one fills the whole shape. */
export interface Constant extends TensorSpec {
  readonly values: ArrayLike<number>;
}

/** An attribute of a TensorFlow op; its one key says which kind. */
export type Attribute =
  | { readonly type: Dtype }
  | { readonly types: readonly Dtype[] }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly shape: readonly number[] }
  | { readonly shapes: readonly (readonly number[])[] }
  | { readonly tensor: Constant }
  | { readonly function: GraphFunction };

/** Attributes by TensorFlow's names. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** One TensorFlow op of a graph. Nodes are never changed: a pass makes new ones. */
export interface GraphNode {
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly TensorRef[];
  /** Nodes that must have run before this one, though it takes nothing from them. */
  readonly controls: readonly GraphNode[];
  readonly outputs: readonly TensorSpec[];
  /** Number of the part of the graph that it is to be compiled with. */
  readonly cluster?: number;
}

/** A part of a graph that is called: the same function may be called at many places. */
export interface GraphFunction {
  /** Tells functions that differ apart. */
  readonly name: string;
  readonly inputs: readonly GraphNode[];
  readonly outputs: readonly TensorRef[];
}

/** Attribute of a recorded composite that holds what it is made of. */
export const DECOMPOSITION = 'decomposition';

/** One output of a node. */
export interface TensorRef {
  readonly node: GraphNode;
  readonly output: number;
}

/** An entry, recorded for one set of input shapes. */
export interface EntryGraph {
  /** Placeholders by input name. */
  readonly inputs: Readonly<Record<string, GraphNode>>;
  /** Nodes that read a variable, by variable name; those in use only. */
  readonly reads: Readonly<Record<string, GraphNode>>;
  readonly outputs: Readonly<Record<string, TensorRef>>;
  /** New values of variables, by variable name. */
  readonly updates: Readonly<Record<string, TensorRef>>;
}

/** Bytes of a tensor. */
export const bytesOf = ({ shape, dtype }: TensorSpec): number => sizeOf(shape) * BYTES[dtype];

/** Shape and type of the tensor that a reference names. */
export const specOf = (ref: TensorRef): TensorSpec => ref.node.outputs[ref.output]!;

/** A node with what is usual left out. */
export const node = (
  op: string,
  attributes: Attributes,
  inputs: readonly TensorRef[],
  outputs: readonly TensorSpec[],
  controls: readonly GraphNode[] = [],
): GraphNode => ({ op, attributes, inputs, controls, outputs });

/** A node's only, or nth, output. */
export const ref = (node: GraphNode, output = 0): TensorRef => ({ node, output });

/** A node that holds a constant. */
export const constant = (value: Constant): GraphNode =>
  node(
    'Const',
    { dtype: { type: value.dtype }, value: { tensor: value } },
    [],
    [{ shape: value.shape, dtype: value.dtype }],
  );

/** The value of a constant node; undefined for any other. */
export function constantOf({ op, attributes }: GraphNode): Constant | undefined {
  if (op !== 'Const') return undefined;
  const { value } = attributes;
  return value && 'tensor' in value ? value.tensor : undefined;
}

/** A copy of the value, made after these nodes have run. */
export const identity = (value: TensorRef, after: readonly GraphNode[]): GraphNode => {
  const spec = specOf(value);
  return node('Identity', { T: { type: spec.dtype } }, [value], [spec], after);
};

/** The same elements in another type; bfloat16 is rounded to nearest. */
export const cast = (from: TensorRef, to: Dtype): GraphNode => {
  const { shape, dtype } = specOf(from);
  const types = { SrcT: { type: dtype }, DstT: { type: to }, Truncate: { bool: false } } as const;
  return node('Cast', types, [from], [{ shape, dtype: to }]);
};

/** x times y, where y broadcasts to the shape of x. */
export const multiply = (x: TensorRef, y: TensorRef): GraphNode => {
  const spec = specOf(x);
  return node('Mul', { T: { type: spec.dtype } }, [x, y], [spec]);
};

const written = new WeakMap<Attributes, string>();

/** Attributes as text: the same for the same attributes in the same order. */
export function attributeText(attributes: Attributes): string {
  const known = written.get(attributes);
  if (known !== undefined) return known;
  const text = JSON.stringify(attributes);
  written.set(attributes, text);
  return text;
}
