import { beforeAll, describe, expect } from 'vitest';
import { type GraphEntry, graphEntry } from '../../../src/program/captured/entries.js';
import { type GraphNode, specOf } from '../../../src/program/captured/graph.js';
import { isHeldLow } from '../../../src/program/captured/passes/autocast.js';
import { graphVariable } from '../../../src/program/captured/variables.js';
import { sortNodes } from '../../../src/program/captured/walk.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { cases } from '../contract/cases.js';

const [{ spec, calls }] = cases() as [ReturnType<typeof cases>[0]];

function variablesOf(in8bit: boolean) {
  return new Map(
    Object.entries(spec.variables).map(([name, variable], i) => {
      const held = in8bit && variable.quantizable ? 'int8' : isHeldLow(variable) ? 'bfloat16' : variable.dtype;
      return [name, graphVariable(`v${i}`, variable, held)];
    }),
  );
}

function recorded(in8bit: boolean, compiled: boolean, entry = 'trainStep'): GraphEntry {
  const { feeds } = calls.find((call) => call.entry === entry)!;
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]));
  return graphEntry('e', entry, spec, shapes, variablesOf(in8bit), {
    precision: 'bfloat16',
    compile: compiled ? 'parts' : 'none',
  });
}

const nodesOf = ({ outputs, done }: GraphEntry): GraphNode[] => sortNodes([...Object.values(outputs), done]);

/** Nodes that take a weight that may be held in 8 bits: products, once forward and most of them once back. */
function usersOfWeights(entry: GraphEntry): GraphNode[] {
  const handles = new Set([...variablesOf(false)].filter(([name]) => spec.variables[name]!.quantizable).map(nameOf));
  const isWeight = ({ op, inputs }: GraphNode) => op === 'ReadVariableOp' && handles.has(sharedName(inputs[0]!.node));
  return nodesOf(entry).filter(({ inputs }) => inputs.some(({ node }) => isWeight(node)));
}

const nameOf = ([, { handle }]: [string, { handle: GraphNode }]): string => sharedName(handle);
const sharedName = ({ attributes: { shared_name: name } }: GraphNode): string =>
  name && 'string' in name ? name.string : '';
const isInt8 = ({ inputs }: GraphNode): boolean => inputs.some((input) => specOf(input).dtype === 'int8');

beforeAll(() => testBackend());

describe('weights in 8 bits', () => {
  nativeOnly('are widened for each use by itself, and not before the rest of what it takes is there', () => {
    const uses = usersOfWeights(recorded(false, false));
    const layers = Object.values(spec.variables).filter(({ quantizable }) => quantizable).length;
    // Not to the first layer's input, which nothing trained comes before.
    expect(uses.length).toBeGreaterThan(1.5 * layers);
    const nodes = nodesOf(recorded(true, false));
    const casts = nodes.filter((node) => node.op === 'Cast' && isInt8(node));
    expect(casts).toHaveLength(uses.length);
    for (const cast of casts) {
      const { op, controls } = cast.inputs[0]!.node;
      expect(op).toBe('Identity');
      let [value, users] = [cast, usersOf(cast, nodes)];
      while (users[0]!.op === 'Mul' || users[0]!.op === 'Cast') {
        expect(users).toHaveLength(1);
        [value, users] = [users[0]!, usersOf(users[0]!, nodes)];
      }
      expect(users.map(({ op }) => op)).toEqual(['MatMul']);
      const other = users[0]!.inputs.find(({ node }) => node !== value)!.node;
      expect(controls.some((control) => control === other || other.inputs.some(({ node }) => node === control))).toBe(
        true,
      );
    }
  });

  nativeOnly('are widened by compiled calls of their own; what these wait for is not handed out for it', () => {
    const outputs = (nodes: readonly GraphNode[]) => nodes.reduce((n, node) => n + node.outputs.length, 0);
    const calls = (in8bit: boolean) => nodesOf(recorded(in8bit, true)).filter(({ op }) => op === 'PartitionedCall');
    const [plain, wide] = [calls(false), calls(true)];
    const own = wide.filter(isInt8);
    expect(own).toHaveLength(usersOfWeights(recorded(false, true)).length);
    for (const call of own) expect(call.outputs.map(({ dtype }) => dtype)).toEqual(['bfloat16']);
    expect(outputs(wide)).toBe(outputs(plain) + own.length);
  });

  nativeOnly('are widened by compiled calls in an entry too that is not compiled otherwise', () => {
    const calls = nodesOf(recorded(true, true, 'decode')).filter(({ op }) => op === 'PartitionedCall');
    expect(calls.length).toBe(Object.values(spec.variables).filter(({ quantizable }) => quantizable).length);
    expect(calls.every(isInt8)).toBe(true);
  });

  nativeOnly('take a byte each, and four for each row', () => {
    for (const [name, { bytes, spec: own }] of variablesOf(true)) {
      const [rows, columns = 1] = own.shape as [number, number?];
      const each = isHeldLow(own) ? 2 : 4;
      expect(bytes, name).toBe(own.quantizable ? rows * columns + 4 * rows : rows * columns * each);
    }
  });
});

const usersOf = (node: GraphNode, nodes: readonly GraphNode[]): GraphNode[] =>
  nodes.filter(({ inputs }) => inputs.some((input) => input.node === node));
