import { describe, expect, test } from 'vitest';
import { type GraphNode, node, ref } from '../../../src/program/captured/graph.js';
import { needsOf, sortNodes, sortUnits, usersOf } from '../../../src/program/captured/walk.js';

const made = (op: string, inputs: readonly GraphNode[] = [], controls: readonly GraphNode[] = []): GraphNode =>
  node(
    op,
    {},
    inputs.map((input) => ref(input)),
    [{ shape: [], dtype: 'float32' }],
    controls,
  );
const names = (nodes: readonly GraphNode[]) => nodes.map(({ op }) => op).join(' ');

describe('the order of nodes', () => {
  test('each comes once, after what it takes and then what it waits for, and unneeded ones are missing', () => {
    const a = made('a');
    const b = made('b');
    made('unneeded', [a]);
    const c = made('c', [b, a, b]);
    const d = made('d', [c], [made('e', [a])]);
    expect(names(sortNodes([d, c]))).toBe('b a c e d');
  });

  test('a chain of thirty thousand nodes is sorted', () => {
    let last = made('first');
    for (let i = 0; i < 30_000; i++) last = made('next', [last]);
    expect(sortNodes([last])).toHaveLength(30_001);
  });

  test('users are listed once each, in the order of the nodes', () => {
    const a = made('a');
    const b = made('b', [a, a]);
    const c = made('c', [b], [a]);
    const users = usersOf([a, b, c]);
    expect([a, b, c].map((each) => names(users.get(each)!))).toEqual(['b c', 'c', '']);
  });
});

describe('the order of groups', () => {
  /** a and c are one group, which b outside of it stands between. */
  const a = made('a');
  const b = made('b', [a]);
  const sorted = (last: GraphNode, group: ReadonlySet<GraphNode>) =>
    sortUnits(
      [last],
      (each) => (group.has(each) ? group : each),
      (unit) => (unit instanceof Set ? [...unit] : [unit as GraphNode]).flatMap(needsOf),
    );

  test('a group comes after all that one of its nodes needs', () => {
    const other = made('other');
    const c = made('c', [a, other]);
    const group = new Set([a, c]);
    const d = made('d', [b, c]);
    expect(sorted(d, group)).toEqual([other, group, b, d]);
  });

  test('a group that needs itself by way of a node outside is refused', () => {
    const c = made('c', [b]);
    expect(() => sorted(c, new Set([a, c]))).toThrow('depends on itself');
  });
});
