import { expect } from 'vitest';
import { sizeOf } from '../../src/core/host-tensor.js';
import { graphVariables } from '../../src/program/captured/captured.js';
import { graphEntry, targetsOf } from '../../src/program/captured/entries.js';
import { type GraphNode, specOf } from '../../src/program/captured/graph.js';
import { sortNodes } from '../../src/program/captured/walk.js';
import type { CompileOptions, InputShapes } from '../../src/program/compile-options.js';
import { inputShapes } from '../../src/train/entry-shapes.js';
import { nativeOnly } from '../helpers/backend.js';
import { type Case, cases } from './contract/cases.js';
import { shapesOf } from './contract/play.js';

/** A step as it is on a card: 32 lines of 512 tokens. */
const LARGE = { lines: 32, length: 512, targets: 4096 };
const LARGE_SHAPES = inputShapes({ trainStep: [LARGE], accumulate: [LARGE], evalLoss: [LARGE] });

/** An entry's nodes outside of what is compiled, for one set of input shapes. */
interface EntryNodes {
  readonly entry: string;
  readonly shapes: InputShapes;
  readonly nodes: readonly GraphNode[];
}

function entriesOf(
  { spec }: Case,
  shapes: Readonly<Record<string, readonly InputShapes[]>>,
  options: Omit<CompileOptions, 'mode'>,
): EntryNodes[] {
  const all = { ...options, mode: 'captured' } as const;
  const variables = graphVariables(spec, all);
  return Object.entries(shapes).flatMap(([entry, each]) =>
    each.map((shapes) => {
      const { outputs, done } = graphEntry('e', entry, spec, shapes, variables, all);
      return { entry, shapes, nodes: sortNodes([...Object.values(outputs), done]) };
    }),
  );
}

/** Ops that a card computes in its own memory, although integers go in or come out. */
const ON_CARD = new Set(['TopKV2', 'Cast']);
/** Elements of a list of sizes, axes or paddings, at most. */
const SIZES = 16;

/**
 * Elements of an integer tensor at most: what is fed, once for each of the heads where it becomes places in a cache of
 * so many heads.
 */
function limitOf({ spec }: Case, { entry, shapes }: EntryNodes): number {
  const fed = Math.max(SIZES, ...Object.values(shapes).map(sizeOf));
  const cache = Object.values(spec.variables).find(({ role }) => role === 'cache')!;
  const rows = spec.entries.decode!.inputs.ids!.shape[0]!;
  const slots = 32;
  return ['prefillNext', 'decode'].includes(entry) ? fed * (cache.shape[0]! / rows / slots) : fed;
}

nativeOnly('integers that a card leaves to the host are positions and sizes', () => {
  const large: string[] = [];
  for (const made of cases())
    for (const shapes of [shapesOf(made.calls), LARGE_SHAPES])
      for (const each of entriesOf(made, shapes, { precision: 'bfloat16', compile: 'none' })) {
        const isLarge = ({ dtype, shape }: { dtype: string; shape: readonly number[] }) =>
          dtype === 'int32' && sizeOf(shape) > limitOf(made, each);
        for (const { op, inputs, outputs } of each.nodes)
          if (!ON_CARD.has(op) && [...inputs.map(specOf), ...outputs].some(isLarge))
            large.push(`${each.entry} ${op} ${JSON.stringify([inputs.map(specOf), outputs])}`);
      }
  expect(large).toEqual([]);
});

nativeOnly('nothing is fed as float32, which would go to a card, back to be fed, and over again', () => {
  for (const made of cases())
    for (const loadIn8bit of [false, true])
      for (const precision of ['float32', 'bfloat16'] as const) {
        const options = { mode: 'captured', precision, loadIn8bit } as const;
        const variables = graphVariables(made.spec, options);
        const entries = Object.entries(shapesOf(made.calls)).map(([entry, [shapes]]) =>
          graphEntry(entry, entry, made.spec, shapes!, variables, options),
        );
        const fed = sortNodes(targetsOf(variables.values(), entries).values()).filter(({ op }) => op === 'Placeholder');
        expect(fed.length).toBeGreaterThan(variables.size);
        for (const { outputs } of fed) expect(outputs[0]!.dtype).toBe('int32');
      }
});

/**
 * Ops whose kernels, of which a library may hold only what the driver has to compile first, move bits
 * or nothing at all.
 */
const OUTSIDE = new Set([
  ...['Placeholder', 'Const', 'VarHandleOp', 'ReadVariableOp', 'AssignVariableOp'],
  ...['Bitcast', 'Identity', 'PartitionedCall'],
]);

nativeOnly('of an entry that is compiled whole, only one call and what is fed and held is left outside', () => {
  for (const made of cases())
    for (const weights of [{}, { loadIn8bit: true }, { loadIn4bit: true }])
      for (const { entry, nodes } of entriesOf(made, shapesOf(made.calls), {
        ...weights,
        precision: 'bfloat16',
        compile: 'whole',
      })) {
        if (made.spec.entries[entry]!.compile === false) continue;
        expect(
          [...new Set(nodes.map(({ op }) => op))].filter((op) => !OUTSIDE.has(op)),
          entry,
        ).toEqual([]);
        expect(nodes.filter(({ op }) => op === 'PartitionedCall').length, entry).toBe(1);
      }
});
