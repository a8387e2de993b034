import { AFTER } from '../../backend/raw/after.js';
import {
  type BindingAttribute,
  type BindingTensor,
  bindingConstants,
  type CompositeAttributes,
  handleOf,
  type RecordingBinding,
  tensorOf,
  withBinding,
} from '../../backend/raw/binding.js';
import { currentCluster } from '../../backend/raw/fuse.js';
import { LOW } from '../../backend/raw/low.js';
import * as tf from '../../backend/tf.js';
import { sizeOf } from '../../core/host-tensor.js';
import type { Entry, VariableSpec } from '../program.js';
import {
  type Attribute,
  type Attributes,
  constant,
  constantOf,
  DECOMPOSITION,
  type Dtype,
  type EntryGraph,
  type GraphFunction,
  type GraphNode,
  identity,
  node,
  ref,
  specOf,
  type TensorRef,
  type TensorSpec,
} from './graph.js';
import { inferShapes } from './shape-rules/index.js';
import { sortNodes } from './walk.js';

/** Handles of recorded tensors begin here, so that one made outside is never taken for one of them. */
const FIRST_HANDLE = 2 ** 40;

/**
 * Runs an entry on tensors that have a shape and a type but no elements, and returns the TensorFlow
 * ops that it called. Nothing is computed. Throws, naming the line of the entry, when it reads a
 * tensor's elements, uses a tensor made outside, or calls an op that has no shape rule.
 */
export function record(
  name: string,
  entry: Entry,
  variables: Readonly<Record<string, VariableSpec>>,
  inputs: Readonly<Record<string, TensorSpec>>,
): EntryGraph {
  const recorder = makeRecorder(name);
  const placeholders = mapValues(inputs, placeholder);
  const reads = mapValues(variables, read);
  const graph = withBinding(recorder.binding, () => {
    tf.engine().startScope();
    try {
      const { outputs, updates = {} } = entry.run(
        mapValues(reads, recorder.tensor),
        mapValues(placeholders, recorder.tensor),
      );
      return { outputs: mapValues(outputs, recorder.refOf), updates: mapValues(updates, recorder.refOf) };
    } finally {
      tf.engine().endScope();
    }
  });
  return { inputs: placeholders, reads, ...graph };
}

const placeholder = ({ shape, dtype }: TensorSpec): GraphNode =>
  node('Placeholder', { dtype: { type: dtype }, shape: { shape } }, [], [{ shape, dtype }]);

/** Reads a variable; the handle, its input, is put in when the graph is joined to the variables. */
const read = ({ shape, dtype }: VariableSpec): GraphNode =>
  node('ReadVariableOp', { dtype: { type: dtype } }, [], [{ shape, dtype }]);

const mapValues = <A, B>(object: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]));

interface Recorder {
  readonly binding: RecordingBinding;
  /** A tensor for the only output of a node. */
  tensor(node: GraphNode): tf.Tensor;
  refOf(tensor: tf.Tensor): TensorRef;
}

function makeRecorder(entry: string): Recorder {
  const refs = new Map<number, TensorRef>();
  const types = dtypeNumbers();
  const kinds = attributeKinds(types);
  const keep = (ref: TensorRef): BindingTensor => {
    const id = FIRST_HANDLE + refs.size;
    refs.set(id, ref);
    const { shape, dtype } = specOf(ref);
    return { id, shape: [...shape], dtype: types.number(dtype) };
  };
  const known = (id: number, what: string): TensorRef => {
    const ref = refs.get(id);
    if (!ref)
      throw new Error(
        `recording ${entry}: ${what} a tensor that was made outside the entry${callSite()}; feed it as an input`,
      );
    return ref;
  };
  const binding: RecordingBinding = {
    createTensor: (shape, dtype, values) => keep(ref(constant(splat({ shape, dtype: types.name(dtype), values })))).id,
    deleteTensor() {},
    executeOp(op, attributes, inputs, outputs) {
      const refsIn = inputs.map((id) => known(id, `${op} takes`));
      const cluster = currentCluster();
      if (op === AFTER) {
        const [value, ...first] = refsIn as [TensorRef, ...TensorRef[]];
        return [keep(ref(identity(value, [...new Set(first.map(({ node }) => node))])))];
      }
      const decoded = { ...inferred(op, refsIn), ...decode(attributes, kinds) };
      const operands = refsIn.map((input) => {
        const value = constantOf(input.node);
        return { ...specOf(input), ...(value ? { value } : {}) };
      });
      if (op === LOW) return [keep(ref(inCluster(node(LOW, {}, refsIn, [specOf(refsIn[0]!)]), cluster)))];
      const call = { op, attributes: decoded, inputs: operands, outputs };
      const outputSpecs = explained(entry, () => inferShapes(call));
      const made = inCluster(node(MODERN[op] ?? op, decoded, refsIn, outputSpecs), cluster);
      return made.outputs.map((_, i) => keep(ref(made, i)));
    },
    composite(name, attributes, inputs, work) {
      const given = inputs.map((id) => known(id, `${name} takes`));
      const places = given.map((input) => placeholder(specOf(input)));
      const results = work(places.map((place) => keep(ref(place)))).map((id) => known(id, `${name} returns`));
      const made = compositeNode(name, attributes, given, { name, inputs: places, outputs: results });
      return made.outputs.map((_, i) => keep(ref(made, i)));
    },
    tensorDataSync() {
      throw new Error(
        `recording ${entry}: the elements of a tensor are read${callSite()}, but there are none while recording`,
      );
    },
  };
  return { binding, tensor: (n) => tensorOf(keep(ref(n))), refOf: (t) => known(handleOf(t), 'it returns') };
}

/** One node for what a function does. Throws where that takes what is not among its inputs. */
function compositeNode(
  name: string,
  attributes: CompositeAttributes,
  inputs: readonly TensorRef[],
  decomposition: GraphFunction,
): GraphNode {
  const { outputs } = decomposition;
  for (const each of sortNodes(outputs.map(({ node }) => node)))
    if ((each.op === 'Placeholder' || each.op === 'ReadVariableOp') && !decomposition.inputs.includes(each))
      throw new Error(`${name} takes a tensor that is not among its inputs`);
  const own = mapValues(attributes, (value): Attribute => {
    if (typeof value === 'boolean') return { bool: value };
    return Number.isInteger(value) ? { int: value } : { float: value };
  });
  return node(name, { ...own, [DECOMPOSITION]: { function: decomposition } }, inputs, outputs.map(specOf));
}

const inCluster = (made: GraphNode, cluster: number | undefined): GraphNode =>
  cluster === undefined ? made : { ...made, cluster };

/** Ops that TensorFlow.js calls by an older name; what the graph's optimiser knows about is the newer. */
const MODERN: Readonly<Record<string, string>> = { Add: 'AddV2', BatchMatMul: 'BatchMatMulV2' };

/**
 * Type attributes that TensorFlow.js leaves out, since eager TensorFlow infers them: the input that
 * each is the type of.
 */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: { T: 0, Tdim: 1 },
  ClipByValue: { T: 0 },
};

const inferred = (op: string, inputs: readonly TensorRef[]): Attributes =>
  mapValues(LEFT_OUT[op] ?? {}, (input) => ({ type: specOf(inputs[input]!).dtype }));

/** One element in place of many equal ones. */
function splat<C extends TensorSpec & { values: ArrayLike<number> }>(value: C): C {
  const { values } = value;
  const first = values[0];
  if (sizeOf(value.shape) <= 1) return { ...value, values: Array.from(values) };
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return { ...value, values: Array.from(values) };
  return { ...value, values: [first!] };
}

function explained<T>(entry: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Error(`recording ${entry}: ${(cause as Error).message}${callSite()}`, { cause });
  }
}

/** Where in the code of the entry a call came from: the first frame outside of TensorFlow.js and the recorder. */
function callSite(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  const frame = stack.split('\n').find((line) => line.includes(' at ') && !FOREIGN.some((part) => line.includes(part)));
  return frame ? ` (${frame.trim()})` : '';
}

const ROOT = new URL('../../', import.meta.url).pathname;
const FOREIGN = ['node_modules/@tensorflow/', 'node:', '(<anonymous>)', `${ROOT}program/`, `${ROOT}backend/`];

interface DtypeNumbers {
  name(number: number): Dtype;
  number(name: Dtype): number;
}

function dtypeNumbers(): DtypeNumbers {
  const { TF_FLOAT, TF_INT32, TF_BOOL } = bindingConstants() as { TF_FLOAT: number; TF_INT32: number; TF_BOOL: number };
  const pairs: readonly (readonly [Dtype, number])[] = [
    ['float32', TF_FLOAT],
    ['int32', TF_INT32],
    ['bool', TF_BOOL],
  ];
  return {
    name(number) {
      const pair = pairs.find(([, n]) => n === number);
      if (!pair) throw new Error(`a tensor of TensorFlow's type ${number} cannot be recorded`);
      return pair[0];
    },
    number(name) {
      const pair = pairs.find(([n]) => n === name);
      if (!pair) throw new Error(`TensorFlow.js has no tensors of type ${name}`);
      return pair[1];
    },
  };
}

type AttributeKinds = ReadonlyMap<number, (value: unknown) => Attribute>;

function attributeKinds(types: DtypeNumbers): AttributeKinds {
  const c = bindingConstants();
  return new Map<number, (value: unknown) => Attribute>([
    [c.TF_ATTR_STRING!, (value) => ({ string: value as string })],
    [c.TF_ATTR_INT!, (value) => (Array.isArray(value) ? { ints: value as number[] } : { int: value as number })],
    [c.TF_ATTR_FLOAT!, (value) => ({ float: value as number })],
    [c.TF_ATTR_BOOL!, (value) => ({ bool: value as boolean })],
    [c.TF_ATTR_TYPE!, (value) => ({ type: types.name(value as number) })],
    [c.TF_ATTR_SHAPE!, (value) => ({ shape: value as number[] })],
  ]);
}

function decode(attributes: readonly BindingAttribute[], kinds: AttributeKinds): Attributes {
  return Object.fromEntries(
    attributes.map(({ name, type, value }) => {
      const kind = kinds.get(type);
      if (!kind) throw new Error(`the attribute ${name} has a kind that cannot be recorded`);
      return [name, kind(value)];
    }),
  );
}
