import type { Dtype } from '../../../../src/program/captured/graph.js';
import {
  axis,
  type Calls,
  COMMON,
  call,
  dim,
  dims,
  each,
  FLOATS,
  flag,
  int,
  known,
  type MakeCall,
  pick,
  scalar,
  some,
  tensor,
} from './make.js';

const reduce =
  (dtypes: readonly Dtype[]): MakeCall =>
  (op, draw) => {
    const T = pick(draw, dtypes);
    const shape = dims(draw);
    const axes = some(draw, [...shape.keys()]).map((i) => (flag(draw) ? i : i - shape.length));
    const Tidx = pick(draw, ['int32', 'int64'] as const);
    const alone = axes.length === 1 && flag(draw);
    const attributes = { keep_dims: { bool: flag(draw) }, Tidx: { type: Tidx } };
    return call(
      op,
      [tensor(T, shape), known(Tidx, alone ? [] : [axes.length], axes)],
      T === 'bool' ? attributes : { ...attributes, T: { type: T } },
    );
  };

const argMax: MakeCall = (op, draw) => {
  const T = pick(draw, COMMON);
  const shape = dims(draw, 1, 4, 1);
  const output = pick(draw, ['int32', 'int64', undefined] as const);
  const attributes = { T: { type: T }, ...(output ? { output_type: { type: output } } : {}) };
  return call(op, [tensor(T, shape), scalar(axis(draw, shape.length))], attributes);
};

const topK: MakeCall = (op, draw) => {
  const T = pick(draw, COMMON);
  const shape = dims(draw, 1);
  const k = scalar(int(draw, 0, shape.at(-1)!));
  return call(op, [tensor(T, shape), k], { T: { type: T }, sorted: { bool: flag(draw) } }, 2);
};

const cumsum: MakeCall = (op, draw) => {
  const T = pick(draw, COMMON);
  const shape = dims(draw, 1);
  const attributes = { T: { type: T }, exclusive: { bool: flag(draw) }, reverse: { bool: flag(draw) } };
  return call(op, [tensor(T, shape), scalar(axis(draw, shape.length))], attributes);
};

const softmax: MakeCall = (op, draw) => {
  const T = pick(draw, FLOATS);
  return call(op, [tensor(T, dims(draw, 1))], { T: { type: T } });
};

const sparseCrossEntropy: MakeCall = (op, draw) => {
  const [T, Tlabels] = [pick(draw, FLOATS), pick(draw, ['int32', 'int64'] as const)];
  const [rows, classes] = [dim(draw), dim(draw, 1)];
  const attributes = { T: { type: T }, Tlabels: { type: Tlabels } };
  return call(op, [tensor(T, [rows, classes]), tensor(Tlabels, [rows])], attributes, 2);
};

export const reduceCalls: Calls = {
  ...each(['Sum', 'Mean', 'Max', 'Min'], reduce(COMMON)),
  ...each(['Any', 'All'], reduce(['bool'])),
  ArgMax: argMax,
  TopKV2: topK,
  Cumsum: cumsum,
  ...each(['Softmax', 'LogSoftmax'], softmax),
  SparseSoftmaxCrossEntropyWithLogits: sparseCrossEntropy,
};
