import {
  ALL,
  type Calls,
  COMMON,
  call,
  type Draw,
  dim,
  dims,
  FLOATS,
  flag,
  int,
  known,
  type MakeCall,
  ones,
  pick,
  scalar,
  tensor,
  vector,
} from './make.js';

const INDICES = ['int32', 'int64'] as const;

const gather: MakeCall = (op, draw) => {
  const [T, Tindices] = [pick(draw, ALL), pick(draw, INDICES)];
  const shape = dims(draw, 1, 4, 1);
  const at = int(draw, 0, shape.length - 1);
  const batch = int(draw, 0, at);
  const indices = [...shape.slice(0, batch), ...dims(draw, 0, 2)];
  return call(op, [tensor(T, shape), tensor(Tindices, indices), scalar(flag(draw) ? at : at - shape.length)], {
    Tparams: { type: T },
    Tindices: { type: Tindices },
    batch_dims: { int: flag(draw) || batch === indices.length ? batch : batch - indices.length },
  });
};

/** A tensor's shape, and that of indices into it with what they point to. */
function pointing(draw: Draw) {
  const shape = dims(draw, 1, 4, 1);
  const depth = int(draw, 1, shape.length);
  const outer = dims(draw, 1, 2);
  return { shape, indices: [...outer, depth], updates: [...outer, ...shape.slice(depth)] };
}

const gatherNd: MakeCall = (op, draw) => {
  const [T, Tindices] = [pick(draw, ALL), pick(draw, INDICES)];
  const { shape, indices } = pointing(draw);
  const attributes = { Tparams: { type: T }, Tindices: { type: Tindices } };
  return call(op, [tensor(T, shape), tensor(Tindices, indices)], attributes);
};

const scatterNd: MakeCall = (op, draw) => {
  const [T, Tindices] = [pick(draw, COMMON), pick(draw, INDICES)];
  const { shape, indices, updates } = pointing(draw);
  const inputs = [tensor(Tindices, indices), tensor(T, updates), known(Tindices, [shape.length], shape)];
  return call(op, inputs, { T: { type: T }, Tindices: { type: Tindices } });
};

const tensorScatter: MakeCall = (op, draw) => {
  const [T, Tindices] = [pick(draw, COMMON), pick(draw, INDICES)];
  const { shape, indices, updates } = pointing(draw);
  const inputs = [tensor(T, shape), tensor(Tindices, indices), tensor(T, updates)];
  return call(op, inputs, { T: { type: T }, Tindices: { type: Tindices } });
};

const segmentSum: MakeCall = (op, draw) => {
  const [T, Tindices] = [pick(draw, COMMON), pick(draw, INDICES)];
  const ids = dims(draw, 1, 2);
  const inputs = [tensor(T, [...ids, ...dims(draw, 0, 2)]), tensor(Tindices, ids), scalar(dim(draw, 1))];
  return call(op, inputs, { T: { type: T }, Tindices: { type: Tindices } });
};

const oneHot: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  const indices = dims(draw, 0, 3);
  const inputs = [tensor(pick(draw, INDICES), indices), scalar(dim(draw)), ones(T, []), tensor(T, [])];
  return call(op, inputs, { T: { type: T }, axis: { int: int(draw, -1, indices.length) } });
};

const fill: MakeCall = (op, draw) => {
  const T = pick(draw, ALL);
  return call(op, [vector(draw, dims(draw)), tensor(T, [])], { T: { type: T } });
};

const range: MakeCall = (op, draw) => {
  const T = pick(draw, ['int32', 'int64', 'float32'] as const);
  const step = T === 'float32' ? pick(draw, [0.1, 0.25, 1 / 3, 1, 1.5]) : int(draw, 1, 4);
  const [start, span] = [int(draw, -5, 5), int(draw, 0, 20)];
  const [limit, delta] = flag(draw) ? [start + span, step] : [start - span, -step];
  return call(op, [scalar(start, T), scalar(limit, T), scalar(delta, T)], { Tidx: { type: T } });
};

const random: MakeCall = (op, draw) => {
  const attributes = { dtype: { type: pick(draw, FLOATS) } };
  return call(op, [vector(draw, dims(draw)), tensor(pick(draw, INDICES), [2])], attributes);
};

export const gatherCalls: Calls = {
  GatherV2: gather,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: tensorScatter,
  TensorScatterAdd: tensorScatter,
  UnsortedSegmentSum: segmentSum,
  OneHot: oneHot,
};

export const createCalls: Calls = {
  Fill: fill,
  Range: range,
  StatelessRandomUniform: random,
  StatelessRandomNormal: random,
};
