import { sizeOf } from '../../../core/host-tensor.js';
import type { EntryGraph, GraphNode } from '../graph.js';
import { refsOf, rewrite, rootsOf, sorted } from './rewrite.js';

/** Ops that cost a pass over memory by themselves, and next to nothing where their inputs are made or their result is used. */
const ELEMENTWISE: ReadonlySet<string> = new Set(
  'AddV2 Sub Mul Div RealDiv Neg Square Sqrt Rsqrt Exp Sigmoid Maximum Minimum Low'.split(' '),
);

/** Ops that cost nothing, but may stand between others. */
const FREE: ReadonlySet<string> = new Set(['Reshape']);

/** Elements under which a pass over memory is not worth a compiled call. */
const SMALL = 4096;

/**
 * Puts what works element by element into the cluster of its first user, and clusters into that of theirs, so that between two
 * products memory is passed over once. What comes first of a tensor's users in an order that respects all needs can be
 * joined with what makes it: no other user leads back to it.
 */
export function mergeClusters(graph: EntryGraph): EntryGraph {
  const order = sorted(rootsOf(graph));
  const groups = unite(order);
  const sizes = new Map<number, number>();
  for (const [node, group] of groups)
    sizes.set(group, (sizes.get(group) ?? 0) + (node.cluster !== undefined ? 2 : FREE.has(node.op) ? 0 : 1));
  return rewrite(graph, (now, before) => {
    const group = groups.get(before);
    const { cluster: _, ...rest } = now;
    return refsOf(group !== undefined && sizes.get(group)! > 1 ? { ...rest, cluster: group } : rest);
  });
}

/** The group of each node that may be in one. */
function unite(order: readonly GraphNode[]): Map<GraphNode, number> {
  const position = new Map<GraphNode, number>();
  const members = new Map<number, GraphNode[]>();
  let next = Math.max(0, ...order.map(({ cluster }) => (cluster ?? 0) + 1));
  const groupOf = new Map<GraphNode, number>();
  for (const node of order) {
    const group = node.cluster ?? (isCandidate(node) ? next++ : undefined);
    if (group === undefined) continue;
    groupOf.set(node, group);
    members.set(group, [...(members.get(group) ?? []), node]);
  }
  for (const [i, node] of unitsInOrder(order, groupOf, members).entries()) position.set(node, i);
  const users = usersOf(order);
  // From the last to the first, so that the group of a user is settled, and stands where the group does that it went into.
  const settled = new Map<number, number>();
  const placeOf = (user: GraphNode): number => {
    const group = groupOf.get(user);
    return position.get(group === undefined ? user : members.get(settled.get(group)!)![0]!)!;
  };
  const groupsInOrder = [...new Set([...position.keys()].flatMap((node) => groupOf.get(node) ?? []))];
  for (const group of groupsInOrder.reverse()) {
    const first = members
      .get(group)!
      .flatMap((node) => users.get(node) ?? [])
      .filter((user) => groupOf.get(user) !== group)
      .reduce<GraphNode | undefined>((x, y) => (x && placeOf(x) <= placeOf(y) ? x : y), undefined);
    const target = first && groupOf.get(first);
    settled.set(group, target === undefined ? group : settled.get(target)!);
  }
  return new Map([...groupOf].map(([node, group]) => [node, settled.get(group)!]));
}

const isCandidate = ({ op, outputs }: GraphNode): boolean =>
  FREE.has(op) || (ELEMENTWISE.has(op) && outputs[0]!.dtype === 'float32' && sizeOf(outputs[0]!.shape) >= SMALL);

function usersOf(order: readonly GraphNode[]): Map<GraphNode, GraphNode[]> {
  const users = new Map<GraphNode, GraphNode[]>();
  for (const node of order)
    for (const need of [...node.inputs.map((input) => input.node), ...node.controls]) {
      const known = users.get(need);
      if (known) known.push(node);
      else users.set(need, [node]);
    }
  return users;
}

/** All nodes in an order that respects all needs, in which the nodes of a group stand together. */
function unitsInOrder(
  order: readonly GraphNode[],
  groupOf: ReadonlyMap<GraphNode, number>,
  members: ReadonlyMap<number, readonly GraphNode[]>,
): GraphNode[] {
  const done = new Set<GraphNode>();
  const units: GraphNode[] = [];
  const unitOf = (node: GraphNode): readonly GraphNode[] => {
    const group = groupOf.get(node);
    return group === undefined ? [node] : members.get(group)!;
  };
  const needsOf = (unit: readonly GraphNode[]) =>
    unit.flatMap(({ inputs, controls }) => [...inputs.map((input) => input.node), ...controls]);
  for (const start of order) {
    const stack = [{ unit: unitOf(start), needs: needsOf(unitOf(start)) }];
    while (stack.length > 0) {
      const { unit, needs } = stack.at(-1)!;
      const need = needs.pop();
      if (need === undefined) {
        stack.pop();
        if (!done.has(unit[0]!)) units.push(...unit);
        for (const node of unit) done.add(node);
      } else if (!done.has(need) && unitOf(need) !== unit)
        stack.push({ unit: unitOf(need), needs: needsOf(unitOf(need)) });
    }
  }
  return units;
}
