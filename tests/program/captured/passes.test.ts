import fc from 'fast-check';
import { beforeAll, describe, expect } from 'vitest';
import { float32, type HostTensor } from '../../../src/core/host-tensor.js';
import { constantOf, type EntryGraph, type GraphNode, specOf as typeOf } from '../../../src/program/captured/graph.js';
import { autocast, withoutMarks } from '../../../src/program/captured/passes/autocast.js';
import { mergeClusters } from '../../../src/program/captured/passes/merge.js';
import { outline, withoutClusters } from '../../../src/program/captured/passes/outline.js';
import { shareCommon } from '../../../src/program/captured/passes/share.js';
import { record } from '../../../src/program/captured/recorder.js';
import { inferShapes, shapeRules } from '../../../src/program/captured/shape-rules/index.js';
import { rootsOf, sortNodes } from '../../../src/program/captured/walk.js';
import { compile } from '../../../src/program/compile.js';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { disturb, disturbedRuns, expectNear } from '../../helpers/disturbed.js';
import { typicalError } from '../../helpers/rounding.js';
import { interpret } from './interpret.js';
import { anySteps, elements, SIDE, type Steps, specOf } from './random-entry.js';

const GIVEN = { x: elements('x'), weight: elements('weight'), state: elements('state') };
const HELD: ReadonlySet<string> = new Set(['weight']);

const recorded = (steps: Steps): EntryGraph => {
  const { entries, variables } = specOf(steps);
  return record('go', entries.go!, variables, { x: { shape: [SIDE, SIDE], dtype: 'float32' } });
};
const nodesOf = (graph: EntryGraph): GraphNode[] => sortNodes(rootsOf(graph));
const merged = (graph: EntryGraph): EntryGraph => mergeClusters(shareCommon(graph));

/** Ways that graphs go. */
const FLOAT32 = {
  shareCommon,
  withoutClusters,
  withoutMarks,
  merged,
  outlined: (graph) => outline(shareCommon(withoutMarks(graph))),
  'merged and outlined': (graph) => outline(shareCommon(withoutMarks(merged(graph)))),
} satisfies Record<string, (graph: EntryGraph) => EntryGraph>;
const BFLOAT16 = {
  plain: (graph) => shareCommon(autocast(shareCommon(withoutClusters(graph)), HELD)),
  'with clusters': (graph) => shareCommon(autocast(merged(graph), HELD)),
} satisfies Record<string, (graph: EntryGraph) => EntryGraph>;

const ALL = { ...FLOAT32, ...BFLOAT16, outlined16: (graph: EntryGraph) => outline(BFLOAT16['with clusters'](graph)) };

/** All nodes, those of functions among them. */
const deepNodes = (nodes: readonly GraphNode[]): GraphNode[] =>
  nodes.flatMap((node) => {
    const { f } = node.attributes;
    return f && 'function' in f ? [node, ...deepNodes(sortNodes(f.function.outputs.map((ref) => ref.node)))] : [node];
  });

/** What a node's shape rule says that it gives. */
const inferred = ({ op, attributes, inputs, outputs }: GraphNode) =>
  inferShapes({
    op,
    attributes,
    inputs: inputs.map((input) => {
      const value = constantOf(input.node);
      return { ...typeOf(input), ...(value ? { value } : {}) };
    }),
    outputs: outputs.length,
  });

const isProduct = ({ op }: GraphNode): boolean => op === 'MatMul';
const forAll = (most: number, numRuns: number, check: (steps: Steps) => void): void =>
  fc.assert(fc.property(anySteps(most), check), { numRuns, seed: 4 });

beforeAll(() => testBackend());

describe('of any graph', () => {
  nativeOnly('what is computed stays as it is, to the last bit', () => {
    forAll(20, 80, (steps) => {
      const graph = recorded(steps);
      const expected = interpret(graph, GIVEN);
      for (const [name, way] of Object.entries(ALL))
        for (const [output, value] of Object.entries(interpret(way(graph), GIVEN)))
          expect(value.equals(expected[output]!), `${name}: ${output}`).toBe(true);
    });
  });

  nativeOnly('every op has the shapes and types that its rule gives it', () => {
    forAll(30, 60, (steps) => {
      const graph = recorded(steps);
      for (const [name, way] of Object.entries(ALL))
        for (const node of deepNodes(nodesOf(way(graph))))
          if (shapeRules.has(node.op)) expect(inferred(node), `${name}: ${node.op}`).toEqual(node.outputs);
    });
  });

  nativeOnly('what is the same exists once, and a second time nothing is found', () => {
    forAll(30, 60, (steps) => {
      const shared = shareCommon(recorded(steps));
      expect(nodesOf(shareCommon(shared))).toEqual(nodesOf(shared));
    });
  });

  nativeOnly('products are in bfloat16, what comes out is in float32', () => {
    forAll(30, 60, (steps) => {
      for (const [name, way] of Object.entries(BFLOAT16)) {
        const { outputs, updates, ...rest } = way(recorded(steps));
        for (const node of nodesOf({ outputs, updates, ...rest }).filter(isProduct))
          expect([...node.inputs.map(typeOf), ...node.outputs].map(({ dtype }) => dtype)).not.toContain('float32');
        for (const [output, ref] of Object.entries({ ...outputs, ...updates }))
          expect(typeOf(ref).dtype, `${name}: ${output}`).toBe('float32');
      }
    });
  });

  nativeOnly('nothing is left of marks, and no product is compiled with what lies around it', () => {
    forAll(30, 60, (steps) => {
      for (const outlined of [ALL['merged and outlined'], ALL.outlined16]) {
        const nodes = nodesOf(outlined(recorded(steps)));
        const calls = nodes.filter(({ op }) => op === 'PartitionedCall');
        expect(nodes.some(({ cluster }) => cluster !== undefined)).toBe(false);
        const inside = calls.flatMap((call) => deepNodes([call]));
        expect(inside.some((node) => isProduct(node) || node.op === 'Low' || node.cluster !== undefined)).toBe(false);
        expect(nodes.filter(isProduct)).toHaveLength(nodesOf(shareCommon(recorded(steps))).filter(isProduct).length);
      }
    });
  });
});

/** Steps of a graph at most. */
const MOST = 10;

describe('in a session any graph gives what it gives op by op', () => {
  const play = async (steps: Steps, options: CompileOptions, seed?: number): Promise<Record<string, HostTensor>> => {
    const program = await compile(specOf(steps), options);
    const of = (data: Float32Array, i = 0) => {
      const copy = data.slice();
      // As much as a sum over a row and the steps of a graph are rounded.
      if (seed !== undefined) disturb(copy, `${seed} ${i}`, typicalError(SIDE + MOST));
      return float32([SIDE, SIDE], copy);
    };
    program.write([
      ['weight', of(GIVEN.weight, 1)],
      ['state', of(GIVEN.state, 2)],
    ]);
    const outputs = await program.run('go', { x: of(GIVEN.x) }, ['last', 'sum', 'middle']);
    const state = (await program.read(['state'])).get('state')!;
    program.dispose();
    return { ...outputs, state };
  };

  for (const compile of ['none', 'parts', 'whole'] as const)
    nativeOnly(`compiled: ${compile}`, async () => {
      await fc.assert(
        fc.asyncProperty(anySteps(MOST), async (steps) => {
          const expected = await play(steps, { mode: 'eager', precision: 'float32' });
          const actual = await play(steps, { mode: 'captured', precision: 'float32', compile });
          const draws = await disturbedRuns((seed) => play(steps, { mode: 'eager', precision: 'float32' }, seed));
          for (const [name, value] of Object.entries(expected)) {
            const seen = draws.map((draw) => draw[name]!);
            expectNear(actual[name]!, value, seen, name);
          }
        }),
        { numRuns: compile === 'none' ? 20 : 10, seed: 4 },
      );
    });
});
