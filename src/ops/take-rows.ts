import { gatherRows } from '../backend/raw/gather-rows.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/**
 * Rows of a matrix by index: table [R, D], indices [M] (int32) gives [M, D]. The gradient adds each row's part back to
 * its place; a row taken twice gets both.
 */
export const takeRows = (table: tf.Tensor, indices: tf.Tensor): tf.Tensor =>
  differentiable(
    [table] as const,
    (table) => ({ value: gatherRows(table, indices), saved: [indices] as const }),
    (dy, [indices]) => tf.scatterND(tf.reshape(indices, [-1, 1]), dy, table.shape as [number, number]) as tf.Tensor,
  );
