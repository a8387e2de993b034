import { BYTES, type Dtype } from '../graph.js';
import {
  ANY,
  BOOL,
  broadcast,
  FLOATS,
  INTEGERS,
  NUMBERS,
  refuse,
  SIGNED,
  sameShape,
  take,
  typeAttribute,
  typeOf,
} from './operands.js';
import type { OpCall, ShapeRule } from './rule.js';

/** One tensor in, one of its shape and type out. */
const unary =
  (allowed: readonly Dtype[]): ShapeRule =>
  (call) => {
    const [x] = take(call, 'x');
    return [{ shape: x.shape, dtype: typeOf(call, [x], allowed) }];
  };

/** Two tensors that broadcast; the output has their type, or `result`. */
const binary =
  (allowed: readonly Dtype[], result?: Dtype): ShapeRule =>
  (call) => {
    const [x, y] = take(call, 'x', 'y');
    const dtype = typeOf(call, [x, y], allowed);
    return [{ shape: broadcast(call, x.shape, y.shape), dtype: result ?? dtype }];
  };

/** Tensors of one shape and type, as many as may come. */
function same(call: OpCall, allowed: readonly Dtype[]) {
  const [first] = call.inputs;
  if (!first) return refuse(call, 'expected inputs');
  const dtype = typeOf(call, call.inputs, allowed);
  if (call.inputs.some(({ shape }) => !sameShape(shape, first.shape))) refuse(call, 'shapes differ');
  return [{ shape: first.shape, dtype }];
}

const gradient: ShapeRule = (call) => {
  take(call, 'y', 'dy');
  return same(call, FLOATS);
};

const cast: ShapeRule = (call) => {
  const [x] = take(call, 'x');
  typeOf(call, [x], ANY, 'SrcT');
  return [{ shape: x.shape, dtype: typeAttribute(call, 'DstT') }];
};

/** The same bytes as another type: smaller elements add a last axis, larger ones remove it. */
const bitcast: ShapeRule = (call) => {
  const [x] = take(call, 'x');
  const dtype = typeAttribute(call, 'type');
  if (!NUMBERS.includes(dtype)) return refuse(call, `cannot become ${dtype}`);
  const [from, to] = [BYTES[typeOf(call, [x], NUMBERS)], BYTES[dtype]];
  if (from >= to) return [{ shape: from === to ? x.shape : [...x.shape, from / to], dtype }];
  if (x.shape.at(-1) !== to / from) refuse(call, `the last axis must have ${to / from} elements to become ${dtype}`);
  return [{ shape: x.shape.slice(0, -1), dtype }];
};

/** The older choice: a condition for each element, for each row, or one for all. */
const select: ShapeRule = (call) => {
  const [condition, yes, no] = take(call, 'condition', 'then', 'else');
  typeOf(call, [condition], BOOL, 'condition');
  const dtype = typeOf(call, [yes, no], ANY);
  if (!sameShape(yes.shape, no.shape)) refuse(call, 'the two choices differ in shape');
  const rows = condition.shape.length === 1 && condition.shape[0] === yes.shape[0];
  if (condition.shape.length > 0 && !rows && !sameShape(condition.shape, yes.shape))
    refuse(call, 'the condition must be a scalar, one for each row, or of the shape of the choices');
  return [{ shape: yes.shape, dtype }];
};

const selectV2: ShapeRule = (call) => {
  const [condition, yes, no] = take(call, 'condition', 'then', 'else');
  typeOf(call, [condition], BOOL, 'condition');
  const dtype = typeOf(call, [yes, no], ANY);
  return [{ shape: broadcast(call, condition.shape, yes.shape, no.shape), dtype }];
};

const clipByValue: ShapeRule = (call) => {
  const [x, low, high] = take(call, 'x', 'low', 'high');
  const dtype = typeOf(call, [x, low, high], NUMBERS);
  for (const { shape } of [low, high])
    if (shape.length > 0 && !sameShape(shape, x.shape)) refuse(call, 'a bound must be a scalar or of the shape of x');
  return [{ shape: x.shape, dtype }];
};

const each = (names: readonly string[], rule: ShapeRule): Record<string, ShapeRule> =>
  Object.fromEntries(names.map((name) => [name, rule]));

/** Rules of ops that work element by element. */
export const elementwise: Readonly<Record<string, ShapeRule>> = {
  ...each(['Neg', 'Abs', 'Round'], unary(SIGNED)),
  Square: unary(NUMBERS),
  ...each(['Sqrt', 'Rsqrt', 'Exp', 'Expm1', 'Log', 'Log1p', 'Sigmoid', 'Tanh', 'Cos', 'Sin', 'Floor'], unary(FLOATS)),
  ...each(['Identity', 'DeepCopy', 'ZerosLike', 'OnesLike'], unary(ANY)),
  ...each(['Add', 'AddV2', 'Sub', 'Mul', 'Div', 'Maximum', 'Minimum', 'FloorDiv', 'FloorMod'], binary(NUMBERS)),
  ...each(['RealDiv'], binary(FLOATS)),
  ...each(['Greater', 'GreaterEqual', 'Less', 'LessEqual'], binary(NUMBERS, 'bool')),
  ...each(['Equal', 'NotEqual'], binary(ANY, 'bool')),
  ...each(['LogicalAnd', 'LogicalOr'], binary(BOOL)),
  ...each(['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'LeftShift', 'RightShift'], binary(INTEGERS)),
  ...each(['SigmoidGrad', 'TanhGrad'], gradient),
  LogicalNot: unary(BOOL),
  AddN: (call) => same(call, NUMBERS),
  Cast: cast,
  Bitcast: bitcast,
  Select: select,
  SelectV2: selectV2,
  ClipByValue: clipByValue,
};
