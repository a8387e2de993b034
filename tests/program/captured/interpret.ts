import {
  constantOf,
  type EntryGraph,
  type GraphFunction,
  type GraphNode,
  specOf,
  type TensorRef,
} from '../../../src/program/captured/graph.js';
import { sortNodes } from '../../../src/program/captured/walk.js';

/** Elements in row-major order. */
interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Known = ReadonlyMap<GraphNode, Float64Array>;

/**
 * Works out an entry's outputs and updates in JavaScript, in float64 throughout: casts, and marks
 * for them, do nothing. What a pass may not change is then the same to the last bit: the results
 * are bytes. `given` has the elements of inputs and variables.
 */
export function interpret(graph: EntryGraph, given: Readonly<Record<string, Float32Array>>): Record<string, Buffer> {
  const known = new Map(
    [...Object.entries(graph.inputs), ...Object.entries(graph.reads)].map(([name, node]) => [
      node,
      Float64Array.from(given[name]!),
    ]),
  );
  const roots = [
    ...Object.entries(graph.outputs),
    ...Object.entries(graph.updates).map(([name, ref]) => [`new ${name}`, ref] as const),
  ];
  const values = evaluate(
    roots.map(([, ref]) => ref),
    known,
  );
  return Object.fromEntries(roots.map(([name], i) => [name, Buffer.from(values[i]!.data.buffer)]));
}

function evaluate(roots: readonly TensorRef[], known: Known): Value[] {
  const values = new Map<GraphNode, readonly Value[]>();
  const of = ({ node, output }: TensorRef): Value => values.get(node)![output]!;
  for (const node of sortNodes(roots.map((ref) => ref.node))) {
    const elements = known.get(node);
    const outputs = elements ? [elements] : compute(node, node.inputs.map(of));
    values.set(
      node,
      outputs.map((data, i) => ({ shape: node.outputs[i]!.shape, data })),
    );
  }
  return roots.map(of);
}

function compute(node: GraphNode, inputs: readonly Value[]): Float64Array[] {
  const constant = constantOf(node);
  if (constant) return [spread(constant.values, node)];
  const { f } = node.attributes;
  if (f && 'function' in f) return called(f.function, inputs);
  const op = OPS[node.op];
  if (!op) throw new Error(`the interpreter does not know ${node.op}`);
  return op(inputs, node);
}

const called = ({ inputs, outputs }: GraphFunction, given: readonly Value[]): Float64Array[] =>
  evaluate(outputs, new Map(inputs.map((input, i) => [input, given[i]!.data]))).map(({ data }) => data);

const sizeOfOutput = (node: GraphNode, output = 0): number =>
  specOf({ node, output }).shape.reduce((n, size) => n * size, 1);

const spread = (values: ArrayLike<number>, node: GraphNode): Float64Array =>
  Float64Array.from({ length: sizeOfOutput(node) }, (_, i) => values[values.length === 1 ? 0 : i]!);

type Op = (inputs: readonly Value[], node: GraphNode) => Float64Array[];

const same: Op = ([x]) => [x!.data];
const unary =
  (f: (x: number) => number): Op =>
  ([x]) => [x!.data.map(f)];

const binary =
  (f: (x: number, y: number) => number): Op =>
  ([x, y], node) => {
    const { shape } = node.outputs[0]!;
    const at = [x!, y!].map((value) => places(value.shape, shape));
    return [Float64Array.from({ length: sizeOfOutput(node) }, (_, i) => f(x!.data[at[0]!(i)]!, y!.data[at[1]!(i)]!))];
  };

/** Which element of a tensor of shape `from` stands at the i-th place of one of shape `to` that it is broadcast to. */
function places(from: readonly number[], to: readonly number[]): (i: number) => number {
  if (from.length === 0) return () => 0;
  if (from.join() === to.join()) return (i) => i;
  const [rows, columns] = from as [number, number];
  const width = to[1]!;
  return (i) => (rows === 1 ? 0 : Math.floor(i / width)) * columns + (columns === 1 ? 0 : i % width);
}

const flag = ({ attributes }: GraphNode, name: string): boolean => {
  const value = attributes[name];
  return value !== undefined && 'bool' in value && value.bool;
};

const product: Op = ([a, b], node) => {
  const [rows, columns] = node.outputs[0]!.shape as [number, number];
  const inner = a!.data.length / rows;
  // Steps from row to row, and along the sum.
  const [row, alongA] = flag(node, 'transpose_a') ? [1, rows] : [inner, 1];
  const [column, alongB] = flag(node, 'transpose_b') ? [inner, 1] : [1, columns];
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      let total = 0;
      for (let k = 0; k < inner; k++) total += a!.data[i * row + k * alongA]! * b!.data[j * column + k * alongB]!;
      data[i * columns + j] = total;
    }
  return [data];
};

const sum: Op = ([x], node) => {
  const data = new Float64Array(sizeOfOutput(node));
  const width = x!.data.length / data.length;
  for (const [i, value] of x!.data.entries()) data[Math.floor(i / width)]! += value;
  return [data];
};

/** The columns that each output takes. */
const split: Op = (inputs, node) => {
  const x = inputs.find(({ data }) => data.length === sizeOfOutputs(node))!;
  const width = x.shape[1]!;
  let from = 0;
  return node.outputs.map(({ shape }) => {
    const [rows, columns] = shape as [number, number];
    const start = from;
    from += columns;
    return Float64Array.from({ length: rows * columns }, (_, i) => {
      const row = Math.floor(i / columns);
      return x.data[row * width + start + (i % columns)]!;
    });
  });
};

const sizeOfOutputs = (node: GraphNode): number =>
  node.outputs.reduce((n, _, output) => n + sizeOfOutput(node, output), 0);

const concat: Op = (inputs, node) => {
  const parts = inputs.slice(0, -1);
  const [rows, columns] = node.outputs[0]!.shape as [number, number];
  const data = new Float64Array(rows * columns);
  let from = 0;
  for (const { shape, data: part } of parts) {
    const width = shape[1]!;
    for (const [i, value] of part.entries()) data[Math.floor(i / width) * columns + from + (i % width)] = value;
    from += width;
  }
  return [data];
};

const transpose: Op = ([x]) => {
  const [rows, columns] = x!.shape as [number, number];
  return [x!.data.map((_, i) => x!.data[(i % rows) * columns + Math.floor(i / rows)]!)];
};

const OPS: Readonly<Record<string, Op>> = {
  Identity: same,
  Low: same,
  Cast: same,
  Reshape: same,
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  Sqrt: unary(Math.sqrt),
  Rsqrt: unary((x) => 1 / Math.sqrt(x)),
  AddV2: binary((x, y) => x + y),
  Mul: binary((x, y) => x * y),
  RealDiv: binary((x, y) => x / y),
  Maximum: binary(Math.max),
  Minimum: binary(Math.min),
  MatMul: product,
  Sum: sum,
  Split: split,
  SplitV: split,
  ConcatV2: concat,
  Transpose: transpose,
};
