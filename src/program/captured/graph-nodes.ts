import { sizeOf } from '../../core/host-tensor.js';
import { constant, type Dtype, type GraphNode, node, ref, specOf, type TensorRef } from './graph.js';

/*
 * Nodes that the passes and the variables put into a graph beside what was recorded; their shapes follow here, without
 * the rules that recorded ones go by.
 */

/** A constant vector of integers: a shape, or places. */
export const vector = (values: readonly number[]): GraphNode =>
  constant({ shape: [values.length], dtype: 'int32', values });

/** A constant number. */
export const scalar = (value: number, dtype: Dtype): GraphNode => constant({ shape: [], dtype, values: [value] });

/** The same elements in another shape. */
export const reshape = (from: TensorRef, shape: readonly number[]): GraphNode => {
  const { dtype } = specOf(from);
  return node(
    'Reshape',
    { T: { type: dtype }, Tshape: { type: 'int32' } },
    [from, ref(vector(shape))],
    [{ shape, dtype }],
  );
};

/** The first elements of a vector. */
export const firstOf = (from: TensorRef, count: number): GraphNode => {
  const { dtype } = specOf(from);
  return node(
    'Slice',
    { T: { type: dtype }, Index: { type: 'int32' } },
    [from, ref(vector([0])), ref(vector([count]))],
    [{ shape: [count], dtype }],
  );
};

/** Two vectors, one after the other. */
export const concat = (x: TensorRef, y: TensorRef): GraphNode => {
  const { dtype, shape } = specOf(x);
  return node(
    'ConcatV2',
    { N: { int: 2 }, T: { type: dtype }, Tidx: { type: 'int32' } },
    [x, y, ref(scalar(0, 'int32'))],
    [{ shape: [sizeOf(shape) + sizeOf(specOf(y).shape)], dtype }],
  );
};

/** x with y, element by element, where y broadcasts to the shape of x. */
const elementwise =
  (op: string) =>
  (x: TensorRef, y: TensorRef): GraphNode => {
    const spec = specOf(x);
    return node(op, { T: { type: spec.dtype } }, [x, y], [spec]);
  };

/** x plus y, where y broadcasts to the shape of x. */
export const add = elementwise('AddV2');

/** The larger of x and y, where y broadcasts to the shape of x. */
export const maximum = elementwise('Maximum');

/** For each place, an int32, the element of a table that is there. */
export const gather = (table: TensorRef, places: TensorRef): GraphNode =>
  node(
    'GatherV2',
    {
      Tparams: { type: specOf(table).dtype },
      Tindices: { type: 'int32' },
      Taxis: { type: 'int32' },
      batch_dims: { int: 0 },
    },
    [table, places, ref(scalar(0, 'int32'))],
    [{ shape: specOf(places).shape, dtype: specOf(table).dtype }],
  );
