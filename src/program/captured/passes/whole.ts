import { cast, constant, type EntryGraph, type GraphNode, multiply, node, ref, specOf } from '../graph.js';
import { rewrite } from './rewrite.js';

/** What is fed, held or constant stays outside of the compiled call, which takes it as arguments. */
const GIVEN: ReadonlySet<string> = new Set(['Placeholder', 'ReadVariableOp', 'Const']);

/**
 * Puts everything that an entry computes into one cluster, of which `outline` makes one compiled
 * call. XLA follows no control edges: it would compute early what is to wait, or keep it from the
 * first time that it was computed, which undoes gradient checkpointing. So a copy that waits for
 * other nodes becomes an optimization barrier, through which the values of those nodes pass too.
 */
export const inOneCluster = (graph: EntryGraph): EntryGraph =>
  rewrite(rewrite(graph, replaced), (now) => {
    const together = GIVEN.has(now.op) ? now : { ...now, cluster: 0 };
    return now.outputs.map((_, output) => ref(together, output));
  });

function replaced(now: GraphNode) {
  const made =
    now.controls.length > 0 ? barrier(now) : now.op === 'StatelessRandomUniform' ? uniformFromBits(now) : now;
  return now.outputs.map((_, output) => ref(made, output));
}

function barrier({ op, inputs, controls }: GraphNode): GraphNode {
  if (op !== 'Identity') throw new Error(`${op} waits for other nodes; only a copy can`);
  const first = controls.filter((control) => !GIVEN.has(control.op)).map((control) => ref(control));
  const values = [...inputs, ...first];
  const outputs = values.map(specOf);
  return node('XlaOptimizationBarrier', { T: { types: outputs.map(({ dtype }) => dtype) } }, values, outputs);
}

/** Bits of a random integer that TensorFlow's kernels make a float32 in [0, 1) of: the lowest ones. */
const MANTISSA_BITS = 23;

/**
 * Uniform numbers with the bits that TensorFlow's own kernels give: XLA draws the same integers,
 * and takes the highest.
 */
function uniformFromBits({ inputs, attributes, outputs }: GraphNode): GraphNode {
  const [{ shape }] = outputs as [GraphNode['outputs'][0]];
  const spec = { shape, dtype: 'int32' } as const;
  const scalar = (dtype: 'int32' | 'float32', value: number) => ref(constant({ shape: [], dtype, values: [value] }));
  const drawn = node('StatelessRandomUniformFullInt', { ...attributes, dtype: { type: 'int32' } }, inputs, [spec]);
  const mask = scalar('int32', 2 ** MANTISSA_BITS - 1);
  const lowest = node('BitwiseAnd', { T: { type: 'int32' } }, [ref(drawn), mask], [spec]);
  return multiply(ref(cast(ref(lowest), 'float32')), scalar('float32', 2 ** -MANTISSA_BITS));
}
