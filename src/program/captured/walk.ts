import type { EntryGraph, GraphNode } from './graph.js';

/** What a node takes, in order, and then what it only waits for. A node may stand in it twice. */
export const needsOf = ({ inputs, controls }: GraphNode): GraphNode[] => [
  ...inputs.map((input) => input.node),
  ...controls,
];

/** Nodes that an entry's outputs and updates are made of. */
export const rootsOf = ({ outputs, updates }: EntryGraph): GraphNode[] =>
  [...Object.values(outputs), ...Object.values(updates)].map((ref) => ref.node);

/**
 * The units of all nodes that the roots need, each unit after those that it needs, by depth-first
 * search. A unit is a node or a group of nodes; `needs` lists the nodes that a unit takes or waits
 * for, its own among them or not, in the order in which they are visited. Throws where a unit needs
 * itself through another. Iterative: a decoder's graph is thousands of nodes deep.
 */
export function sortUnits<Unit>(
  roots: Iterable<GraphNode>,
  unitOf: (node: GraphNode) => Unit,
  needs: (unit: Unit) => readonly GraphNode[],
): Unit[] {
  const entered = new Set<Unit>();
  const sorted = new Set<Unit>();
  const path: { readonly unit: Unit; readonly needs: Iterator<GraphNode> }[] = [];
  const enter = (unit: Unit) => {
    if (sorted.has(unit) || path.at(-1)?.unit === unit) return;
    if (entered.has(unit)) throw new Error('a fused part depends on itself through nodes outside of it');
    entered.add(unit);
    path.push({ unit, needs: needs(unit)[Symbol.iterator]() });
  };
  for (const root of roots) {
    enter(unitOf(root));
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const need = top.needs.next();
      if (!need.done) enter(unitOf(need.value));
      else {
        path.pop();
        sorted.add(top.unit);
      }
    }
  }
  return [...sorted];
}

/** Nodes that the roots need, each after all that it needs itself. */
export const sortNodes = (roots: Iterable<GraphNode>): GraphNode[] => sortUnits(roots, (node) => node, needsOf);

/** The nodes that need each of these nodes, in order; nodes that are needed must be among them. */
export function usersOf(nodes: readonly GraphNode[]): Map<GraphNode, GraphNode[]> {
  const users = new Map(nodes.map((node) => [node, [] as GraphNode[]]));
  for (const node of nodes) for (const need of new Set(needsOf(node))) users.get(need)!.push(node);
  return users;
}
