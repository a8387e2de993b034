import { ANY, checkIndices, checkRank, INT32, refuse, sameShape, take, text, typeOf } from './operands.js';
import type { ShapeRule } from './rule.js';

const inplaceUpdate: ShapeRule = (call) => {
  const [x, indices, rows] = take(call, 'x', 'indices', 'rows');
  checkIndices(call, indices, 'indices', INT32);
  checkRank(call, indices, 1, 'indices');
  if (x.shape.length === 0) refuse(call, 'a scalar has no rows');
  const expected = [indices.shape[0]!, ...x.shape.slice(1)];
  if (!sameShape(rows.shape, expected)) refuse(call, `expected rows ${text(expected)}`);
  return [{ shape: x.shape, dtype: typeOf(call, [x, rows], ANY) }];
};

/** Rules of ops that write into the memory of what they are given. */
export const inPlace: Readonly<Record<string, ShapeRule>> = { InplaceUpdate: inplaceUpdate };
