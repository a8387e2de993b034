import type { TensorSpec } from '../graph.js';
import { creations } from './create.js';
import { cuts } from './cut.js';
import { elementwise } from './elementwise.js';
import { gathers } from './gather.js';
import { inPlace } from './in-place.js';
import { layout } from './layout.js';
import { refuse } from './operands.js';
import { products } from './products.js';
import { reductions } from './reduce.js';
import type { OpCall, ShapeRule } from './rule.js';

/** Every TensorFlow op that can be recorded, with its shape rule. */
export const shapeRules: ReadonlyMap<string, ShapeRule> = new Map(
  Object.entries({
    ...elementwise,
    ...reductions,
    ...layout,
    ...cuts,
    ...products,
    ...gathers,
    ...inPlace,
    ...creations,
  }),
);

/**
 * Shapes and types of an op's outputs without running it. Throws a RangeError, naming the op, when
 * there is no rule for it, when a value that decides a shape is not constant, and when the op would
 * refuse the inputs.
 */
export function inferShapes(call: OpCall): readonly TensorSpec[] {
  const rule = shapeRules.get(call.op);
  if (!rule) return refuse(call, 'there is no shape rule for this op, so it cannot be recorded');
  const outputs = rule(call);
  if (outputs.length !== call.outputs) refuse(call, `it has ${outputs.length} outputs, not ${call.outputs}`);
  return outputs;
}
