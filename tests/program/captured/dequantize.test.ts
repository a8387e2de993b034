import { beforeAll, describe, expect } from 'vitest';
import { type GraphEntry, graphEntry } from '../../../src/program/captured/entries.js';
import { type GraphNode, specOf } from '../../../src/program/captured/graph.js';
import { isHeldLow } from '../../../src/program/captured/passes/autocast.js';
import { type GraphVariable, graphVariable } from '../../../src/program/captured/variables.js';
import { sortNodes } from '../../../src/program/captured/walk.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { cases } from '../contract/cases.js';

const [{ spec, calls }] = cases() as [ReturnType<typeof cases>[0]];

type Low = 'int8' | 'nf4' | undefined;

function variablesOf(low: Low) {
  return new Map(
    Object.entries(spec.variables).map(([name, variable], i) => {
      const held = low && variable.quantizable ? low : isHeldLow(variable) ? 'bfloat16' : variable.dtype;
      return [name, graphVariable(`v${i}`, variable, held)];
    }),
  );
}

function recorded(low: Low, compiled: boolean, entry = 'trainStep'): GraphEntry {
  const { feeds } = calls.find((call) => call.entry === entry)!;
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
  return graphEntry('e', entry, spec, shapes, variablesOf(low), {
    precision: 'bfloat16',
    compile: compiled ? 'parts' : 'none',
  });
}

const nodesOf = ({ outputs, done }: GraphEntry): GraphNode[] => sortNodes([...Object.values(outputs), done]);

/** Nodes that take a weight that may be held in fewer bits: products, once forward and most of them once back. */
function usersOfWeights(entry: GraphEntry): GraphNode[] {
  const handles = new Set(
    [...variablesOf(undefined)].filter(([name]) => spec.variables[name]!.quantizable).map(nameOf),
  );
  const isWeight = ({ op, inputs }: GraphNode) => op === 'ReadVariableOp' && handles.has(sharedName(inputs[0]!.node));
  return nodesOf(entry).filter(({ inputs }) => inputs.some(({ node }) => isWeight(node)));
}

const nameOf = ([, { parts }]: [string, GraphVariable]): string => sharedName(parts.value.handle);
const sharedName = ({ attributes: { shared_name: name } }: GraphNode): string =>
  name && 'string' in name ? name.string : '';
const takesBytes = ({ inputs }: GraphNode): boolean =>
  inputs.some((input) => ['int8', 'uint8'].includes(specOf(input).dtype));

beforeAll(() => testBackend());

describe.each(['int8', 'nf4'] as const)('weights as %s', (low) => {
  nativeOnly('are widened for each use by itself, and not before the rest of what it takes is there', () => {
    const uses = usersOfWeights(recorded(undefined, false));
    const layers = Object.values(spec.variables).filter(({ quantizable }) => quantizable).length;
    // Not to the first layer's input, which nothing trained comes before.
    expect(uses.length).toBeGreaterThan(1.5 * layers);
    const nodes = nodesOf(recorded(low, false));
    const casts = nodes.filter((node) => node.op === 'Cast' && takesBytes(node));
    // Of NF4 the scales are bytes, too.
    expect(casts).toHaveLength(uses.length * (low === 'nf4' ? 2 : 1));
    for (const cast of casts) {
      const { op, controls } = cast.inputs[0]!.node;
      expect(op).toBe('Identity');
      const [[product, value], ...more] = productsOf(cast, nodes) as [[GraphNode, GraphNode]];
      expect([product.op, more]).toEqual(['MatMul', []]);
      const other = product.inputs.find(({ node }) => node !== value)!.node;
      expect(controls.some((control) => control === other || other.inputs.some(({ node }) => node === control))).toBe(
        true,
      );
    }
  });

  nativeOnly('are widened by compiled calls of their own; what these wait for is not handed out for it', () => {
    const outputs = (nodes: readonly GraphNode[]) => nodes.reduce((n, node) => n + node.outputs.length, 0);
    const calls = (low: Low) => nodesOf(recorded(low, true)).filter(({ op }) => op === 'PartitionedCall');
    const [plain, wide] = [calls(undefined), calls(low)];
    const own = wide.filter(takesBytes);
    expect(own).toHaveLength(usersOfWeights(recorded(undefined, true)).length);
    for (const call of own) expect(call.outputs.map(({ dtype }) => dtype)).toEqual(['bfloat16']);
    expect(outputs(wide)).toBe(outputs(plain) + own.length);
  });

  nativeOnly('are widened by compiled calls in an entry too that is not compiled otherwise', () => {
    const calls = nodesOf(recorded(low, true, 'decode')).filter(({ op }) => op === 'PartitionedCall');
    expect(calls.length).toBe(Object.values(spec.variables).filter(({ quantizable }) => quantizable).length);
    expect(calls.every(takesBytes)).toBe(true);
  });

  nativeOnly('take what their elements and scales do', () => {
    for (const [name, { bytes, spec: own }] of variablesOf(low)) {
      const [rows, columns = 1] = own.shape as [number, number?];
      const each = isHeldLow(own) ? 2 : 4;
      expect(bytes, name).toBe(own.quantizable ? LOW_BYTES[low](rows, columns) : rows * columns * each);
    }
  });
});

/** A byte each and four for a row; half a byte each, one for 64, four for 256 of those, and four. */
const LOW_BYTES = {
  int8: (rows: number, columns: number) => rows * columns + 4 * rows,
  nf4(rows: number, columns: number) {
    const blocks = Math.ceil((rows * columns) / 64);
    const groups = Math.ceil(blocks / 256);
    return 32 * blocks + 256 * groups + 4 * groups + 4;
  },
};

const WIDENING = new Set(['Cast', 'Mul', 'GatherV2', 'AddV2', 'Maximum', 'Reshape', 'Slice', 'ConcatV2']);

/** What takes the wide matrix that comes of a node, and that matrix, each once. */
function productsOf(from: GraphNode, nodes: readonly GraphNode[]): [GraphNode, GraphNode][] {
  const found = new Map<GraphNode, GraphNode>();
  const visit = (value: GraphNode) => {
    for (const user of usersOf(value, nodes))
      if (WIDENING.has(user.op)) visit(user);
      else found.set(user, value);
  };
  visit(from);
  return [...found];
}

const usersOf = (node: GraphNode, nodes: readonly GraphNode[]): GraphNode[] =>
  nodes.filter(({ inputs }) => inputs.some((input) => input.node === node));
