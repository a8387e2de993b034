import {
  type Calls,
  COMMON,
  call,
  type Draw,
  dim,
  dims,
  FLOATS,
  flag,
  type MakeCall,
  narrowed,
  pick,
  tensor,
} from './make.js';

const matrix = (rows: number, columns: number, turned: boolean): number[] =>
  turned ? [columns, rows] : [rows, columns];

const matMul: MakeCall = (op, draw) => {
  const T = pick(draw, COMMON);
  const [m, k, n] = [dim(draw), dim(draw), dim(draw)];
  const [a, b] = [flag(draw), flag(draw)];
  const attributes = { T: { type: T }, transpose_a: { bool: a }, transpose_b: { bool: b } };
  return call(op, [tensor(T, matrix(m, k, a)), tensor(T, matrix(k, n, b))], attributes);
};

const batchMatMul =
  (batches: (draw: Draw, shape: readonly number[]) => readonly number[]): MakeCall =>
  (op, draw) => {
    const T = pick(draw, COMMON);
    const [m, k, n] = [dim(draw), dim(draw), dim(draw)];
    const batch = dims(draw, 0, 2);
    const [x, y] = [flag(draw), flag(draw)];
    const inputs = [
      tensor(T, [...batches(draw, batch), ...matrix(m, k, x)]),
      tensor(T, [...batches(draw, batch), ...matrix(k, n, y)]),
    ];
    return call(op, inputs, { T: { type: T }, adj_x: { bool: x }, adj_y: { bool: y } });
  };

const biasAdd: MakeCall = (op, draw) => {
  const T = pick(draw, FLOATS);
  const shape = dims(draw, 2);
  return call(op, [tensor(T, shape), tensor(T, [shape.at(-1)!])], { T: { type: T } });
};

const EQUATIONS = [
  'ij,jk->ik',
  'bij,bkj->bik',
  'bij,jk->bik',
  'i,j->ij',
  'ij,ij->',
  'bnth,bnch->bntc',
  'ijk->kij',
  'ij->i',
  'ii->i',
  ',ij->ij',
];

const einsum: MakeCall = (op, draw) => {
  const T = pick(draw, FLOATS);
  const equation = pick(draw, EQUATIONS);
  const sizes = new Map([...equation].map((label) => [label, dim(draw, 1)]));
  const terms = equation.split('->')[0]!.split(',');
  const inputs = terms.map((labels) =>
    tensor(
      T,
      [...labels].map((label) => sizes.get(label)!),
    ),
  );
  return call(op, inputs, { T: { type: T }, N: { int: terms.length }, equation: { string: equation } });
};

export const productCalls: Calls = {
  MatMul: matMul,
  BatchMatMul: batchMatMul((_, shape) => shape),
  BatchMatMulV2: batchMatMul(narrowed),
  BiasAdd: biasAdd,
  Einsum: einsum,
};
