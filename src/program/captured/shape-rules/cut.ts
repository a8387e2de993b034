import type { TensorSpec } from '../graph.js';
import {
  ANY,
  axisOf,
  INDICES,
  INT32,
  intAttribute,
  integerOf,
  refuse,
  sameShape,
  take,
  text,
  typeOf,
  valuesOf,
  vectorOf,
} from './operands.js';
import type { ShapeRule } from './rule.js';
import { stridedSlice } from './strided-slice.js';

const replaced = (shape: readonly number[], axis: number, size: number): number[] =>
  shape.map((d, i) => (i === axis ? size : d));

const concat: ShapeRule = (call) => {
  const tensors = call.inputs.slice(0, -1);
  const [first] = tensors;
  if (!first || tensors.length < 2 || tensors.length !== intAttribute(call, 'N', tensors.length))
    return refuse(call, 'expected N tensors, two or more, and the axis');
  const axis = axisOf(call, integerOf(call, call.inputs.at(-1)!, 'axis'), first.shape.length);
  const rest = replaced(first.shape, axis, 0);
  for (const { shape } of tensors)
    if (shape.length !== rest.length || !sameShape(replaced(shape, axis, 0), rest))
      refuse(call, `shapes may differ along axis ${axis} only`);
  const size = tensors.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  return [{ shape: replaced(first.shape, axis, size), dtype: typeOf(call, tensors, ANY) }];
};

const split: ShapeRule = (call) => {
  const [axisOperand, x] = take(call, 'axis', 'value');
  const axis = axisOf(call, integerOf(call, axisOperand, 'axis', INT32), x.shape.length);
  const parts = intAttribute(call, 'num_split');
  if (parts < 1 || x.shape[axis]! % parts !== 0) refuse(call, `cannot cut axis ${axis} into ${parts} equal parts`);
  const spec = { shape: replaced(x.shape, axis, x.shape[axis]! / parts), dtype: typeOf(call, [x], ANY) };
  return Array.from({ length: parts }, () => spec);
};

const splitV: ShapeRule = (call) => {
  const [x, given, axisOperand] = take(call, 'value', 'sizes', 'axis');
  const axis = axisOf(call, integerOf(call, axisOperand, 'axis', INT32), x.shape.length);
  const sizes = vectorOf(call, given, 'sizes', [...INDICES, 'int8']);
  if (sizes.length !== intAttribute(call, 'num_split')) refuse(call, `expected as many sizes as num_split says`);
  const whole = x.shape[axis]!;
  const left = whole - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const open = sizes.filter((size) => size === -1).length;
  if (sizes.length === 1 && open === 1) refuse(call, 'the size of an only part cannot be left open');
  if (sizes.some((size) => size < -1) || open > 1 || left < 0 || (open === 0 && left > 0))
    refuse(call, `the sizes ${text(sizes)} do not make up ${whole}`);
  const dtype = typeOf(call, [x], ANY);
  return sizes.map((size) => ({ shape: replaced(x.shape, axis, size === -1 ? left : size), dtype }));
};

/** `size` -1 goes to the end. `begin` must be constant only for that. */
const slice: ShapeRule = (call) => {
  const [x, from, given] = take(call, 'input', 'begin', 'size');
  const sizes = vectorOf(call, given, 'size');
  typeOf(call, [from, given], INDICES, 'Index');
  if (sizes.length !== x.shape.length || !sameShape(from.shape, given.shape))
    refuse(call, `begin and size must have ${x.shape.length} elements`);
  const begin = from.value || sizes.includes(-1) ? valuesOf(call, from, 'begin') : sizes.map(() => 0);
  const shape = x.shape.map((d, i) => (sizes[i] === -1 ? d - begin[i]! : sizes[i]!));
  if (shape.some((size, i) => size < 0 || begin[i]! < 0 || begin[i]! + size > x.shape[i]!))
    refuse(call, `nothing of size ${text(sizes)} at ${text(begin)} in ${text(x.shape)}`);
  return [{ shape, dtype: typeOf(call, [x], ANY) }];
};

const pack: ShapeRule = (call) => {
  const [first] = call.inputs;
  if (!first || call.inputs.length !== intAttribute(call, 'N', call.inputs.length))
    return refuse(call, 'expected N inputs');
  if (call.inputs.some(({ shape }) => !sameShape(shape, first.shape))) refuse(call, 'shapes differ');
  const axis = axisOf(call, intAttribute(call, 'axis', 0), first.shape.length + 1);
  const shape = [...first.shape.slice(0, axis), call.inputs.length, ...first.shape.slice(axis)];
  return [{ shape, dtype: typeOf(call, call.inputs, ANY) }];
};

const unpack: ShapeRule = (call): TensorSpec[] => {
  const [x] = take(call, 'value');
  const axis = axisOf(call, intAttribute(call, 'axis', 0), x.shape.length);
  const parts = intAttribute(call, 'num');
  if (x.shape[axis] !== parts) refuse(call, `axis ${axis} does not have ${parts} elements`);
  const spec = { shape: x.shape.filter((_, i) => i !== axis), dtype: typeOf(call, [x], ANY) };
  return Array.from({ length: parts }, () => spec);
};

/** Rules of ops that cut tensors into pieces and put pieces together. */
export const cuts: Readonly<Record<string, ShapeRule>> = {
  ConcatV2: concat,
  Split: split,
  SplitV: splitV,
  Slice: slice,
  StridedSlice: stridedSlice,
  Pack: pack,
  Unpack: unpack,
};
