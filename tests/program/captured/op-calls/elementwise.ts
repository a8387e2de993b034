import type { Dtype } from '../../../../src/program/captured/graph.js';
import {
  ALL,
  type Calls,
  COMMON,
  call,
  dims,
  each,
  FLOATS,
  flag,
  int,
  type MakeCall,
  narrowed,
  ones,
  pick,
  tensor,
} from './make.js';

const INTEGERS: readonly Dtype[] = ['int32', 'int64', 'int8', 'uint8'];
const BOOL: readonly Dtype[] = ['bool'];

const unary =
  (dtypes: readonly Dtype[]): MakeCall =>
  (op, draw) => {
    const T = pick(draw, dtypes);
    return call(op, [tensor(T, dims(draw))], op === 'LogicalNot' ? {} : { T: { type: T } });
  };

const binary =
  (dtypes: readonly Dtype[]): MakeCall =>
  (op, draw) => {
    const T = pick(draw, dtypes);
    const shape = dims(draw);
    const inputs = [ones(T, narrowed(draw, shape)), ones(T, narrowed(draw, shape))];
    return call(op, inputs, op.startsWith('Logical') ? {} : { T: { type: T } });
  };

const same =
  (dtypes: readonly Dtype[], count?: number): MakeCall =>
  (op, draw) => {
    const T = pick(draw, dtypes);
    const shape = dims(draw);
    const N = count ?? int(draw, 1, 4);
    const inputs = Array.from({ length: N }, () => tensor(T, shape));
    return call(op, inputs, { T: { type: T }, ...(count ? {} : { N: { int: N } }) });
  };

const cast: MakeCall = (op, draw) => {
  const [from, to] = [pick(draw, ALL), pick(draw, ALL)];
  const attributes = { SrcT: { type: from }, DstT: { type: to }, Truncate: { bool: false } };
  return call(op, [tensor(from, dims(draw))], attributes);
};

const WIDTHS = { float32: 4, bfloat16: 2, int32: 4, int64: 8, int8: 1, uint8: 1 } as const;

const bitcast: MakeCall = (op, draw) => {
  const types = Object.keys(WIDTHS) as (keyof typeof WIDTHS)[];
  const [T, type] = [pick(draw, types), pick(draw, types)];
  const ratio = WIDTHS[type] / WIDTHS[T];
  const shape = dims(draw, 0, 3);
  return call(op, [tensor(T, ratio > 1 ? [...shape, ratio] : shape)], { T: { type: T }, type: { type } });
};

const select: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw, 1, 3);
  const condition = pick(draw, [shape, [], [shape[0]!]]);
  return call(op, [tensor('bool', condition), tensor(T, shape), tensor(T, shape)], { T: { type: T } });
};

const selectV2: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const shape = dims(draw);
  const [condition, yes, no] = [narrowed(draw, shape), narrowed(draw, shape), narrowed(draw, shape)];
  return call(op, [tensor('bool', condition), tensor(T, yes), tensor(T, no)], { T: { type: T } });
};

const clip: MakeCall = (op, draw) => {
  const T = pick(draw, COMMON);
  const shape = dims(draw, 0, 3, 1);
  const bound = () => tensor(T, flag(draw) ? shape : []);
  return call(op, [tensor(T, shape), bound(), bound()], { T: { type: T } });
};

export const elementwiseCalls: Calls = {
  ...each(['Neg', 'Abs', 'Square', 'Round'], unary(COMMON)),
  ...each(['Sqrt', 'Rsqrt', 'Exp', 'Expm1', 'Log', 'Log1p', 'Sigmoid', 'Tanh', 'Cos', 'Sin', 'Floor'], unary(FLOATS)),
  ...each(['Identity', 'DeepCopy', 'ZerosLike', 'OnesLike'], unary(ALL)),
  ...each(['Add', 'AddV2', 'Sub', 'Mul', 'Div', 'Maximum', 'Minimum', 'FloorDiv', 'FloorMod'], binary(COMMON)),
  ...each(['RealDiv'], binary(FLOATS)),
  ...each(['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual'], binary(COMMON)),
  ...each(['LogicalAnd', 'LogicalOr'], binary(BOOL)),
  ...each(['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'LeftShift', 'RightShift'], binary(INTEGERS)),
  ...each(['SigmoidGrad', 'TanhGrad'], same(FLOATS, 2)),
  LogicalNot: unary(BOOL),
  AddN: same(COMMON),
  Cast: cast,
  Bitcast: bitcast,
  Select: select,
  SelectV2: selectV2,
  ClipByValue: clip,
};
