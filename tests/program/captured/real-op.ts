import { type BindingAttribute, type BindingTensor, bindingConstants } from '../../../src/backend/raw/binding.js';
import { nativeBackend } from '../../../src/backend/raw/native-op.js';
import type { Attribute, Dtype, TensorSpec } from '../../../src/program/captured/graph.js';
import type { OpCall, Operand } from '../../../src/program/captured/shape-rules/rule.js';
import { elementsOf } from './op-calls/make.js';

/** TensorFlow's numbers of its types (tensorflow/core/framework/types.proto). */
const NUMBERS: Readonly<Record<Dtype, number>> = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int8: 6,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
};
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name as Dtype]));

const binding = () => nativeBackend().binding as unknown as Binding;

interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  executeOp(op: string, attributes: BindingAttribute[], inputs: readonly number[], outputs: number): BindingTensor[];
}

/**
 * Runs the op itself on tensors of these shapes, constants with their elements, others zero. Throws
 * what TensorFlow throws.
 */
export function runReal(call: OpCall): TensorSpec[] {
  const ids: number[] = [];
  try {
    for (const input of call.inputs) upload(input, ids);
    const inputs = ids.slice();
    const attributes = Object.entries(call.attributes).map(([name, value]) => encode(name, value));
    const outputs = binding().executeOp(call.op, attributes, inputs, call.outputs);
    ids.push(...outputs.map(({ id }) => id));
    return outputs.map(({ shape, dtype }) => ({ shape, dtype: NAMES.get(dtype)! }));
  } finally {
    for (const id of ids) binding().deleteTensor(id);
  }
}

/** Makes a tensor and puts its handle into `ids`. JavaScript's arrays fit two types; others are cast from them. */
function upload(operand: Operand, ids: number[]): void {
  const { shape, dtype } = operand;
  const plain = dtype === 'float32' ? dtype : 'int32';
  const elements = elementsOf(operand);
  const values = dtype === 'float32' ? Float32Array.from(elements) : Int32Array.from(elements);
  const id = binding().createTensor(shape, NUMBERS[plain], values);
  if (dtype === plain) {
    ids.push(id);
    return;
  }
  const attributes = [encode('SrcT', { type: plain }), encode('DstT', { type: dtype })];
  ids.push(binding().executeOp('Cast', attributes, [id], 1)[0]!.id);
  binding().deleteTensor(id);
}

function encode(name: string, attribute: Attribute): BindingAttribute {
  const c = bindingConstants();
  if ('type' in attribute) return { name, type: c.TF_ATTR_TYPE!, value: NUMBERS[attribute.type] };
  if ('int' in attribute) return { name, type: c.TF_ATTR_INT!, value: attribute.int };
  if ('ints' in attribute) return { name, type: c.TF_ATTR_INT!, value: attribute.ints };
  if ('bool' in attribute) return { name, type: c.TF_ATTR_BOOL!, value: attribute.bool };
  if ('string' in attribute) return { name, type: c.TF_ATTR_STRING!, value: attribute.string };
  throw new Error(`no test needs the attribute ${name}`);
}
