import { sizeOf } from '../../../core/host-tensor.js';
import type { EntryGraph, GraphNode } from '../graph.js';
import { hasTrait } from '../op-traits.js';
import { needsOf, rootsOf, sortNodes, sortUnits, usersOf } from '../walk.js';
import { refsOf, rewrite } from './rewrite.js';

/** Elements under which a pass over memory is not worth a compiled call. */
const SMALL = 4096;

/**
 * Puts nodes that work element by element into the cluster of their first user, and clusters into that of theirs, so
 * that memory is read once between two products. The first of a tensor's users, in an order in which everything
 * comes after what it needs, can be joined with the node that makes the tensor: no other user leads back to it.
 */
export function mergeClusters(graph: EntryGraph): EntryGraph {
  const order = sortNodes(rootsOf(graph));
  const groups = unite(order);
  const sizes = new Map<number, number>();
  for (const [node, group] of groups)
    sizes.set(group, (sizes.get(group) ?? 0) + (node.cluster !== undefined ? 2 : hasTrait(node.op, 'free') ? 0 : 1));
  return rewrite(graph, (now, before) => {
    const group = groups.get(before);
    const { cluster: _, ...rest } = now;
    return refsOf(group !== undefined && sizes.get(group)! > 1 ? { ...rest, cluster: group } : rest);
  });
}

/** The group of each node that may be in one. */
function unite(order: readonly GraphNode[]): Map<GraphNode, number> {
  const { groupOf, members } = firstGroups(order);
  const unitOf = (node: GraphNode): number | GraphNode => groupOf.get(node) ?? node;
  const membersOf = (unit: number | GraphNode) => (typeof unit === 'number' ? members.get(unit)! : [unit]);
  const units = sortUnits(order, unitOf, (unit) => membersOf(unit).flatMap(needsOf).reverse());
  const position = new Map(units.map((unit, i) => [unit, i]));
  const users = usersOf(order);
  // From the last to the first, so that the group of a user is settled, and stands where the group
  // does that it went into.
  const settled = new Map<number, number>();
  const target = (unit: number | GraphNode) => (typeof unit === 'number' ? settled.get(unit)! : unit);
  for (const group of units.filter((unit) => typeof unit === 'number').reverse()) {
    const first = membersOf(group)
      .flatMap((node) => users.get(node)!.map(unitOf))
      .filter((unit) => unit !== group)
      .map(target)
      .reduce<number | GraphNode | undefined>(
        (x, y) => (x !== undefined && position.get(x)! <= position.get(y)! ? x : y),
        undefined,
      );
    settled.set(group, typeof first === 'number' ? first : group);
  }
  return new Map([...groupOf].map(([node, group]) => [node, settled.get(group)!]));
}

/** Groups to begin with: each cluster, and each node alone that may join one. */
function firstGroups(order: readonly GraphNode[]) {
  const groupOf = new Map<GraphNode, number>();
  const members = new Map<number, GraphNode[]>();
  let next = Math.max(0, ...order.map(({ cluster }) => (cluster ?? 0) + 1));
  for (const node of order) {
    const group = node.cluster ?? (isCandidate(node) ? next++ : undefined);
    if (group === undefined) continue;
    groupOf.set(node, group);
    const known = members.get(group);
    if (known) known.push(node);
    else members.set(group, [node]);
  }
  return { groupOf, members };
}

const isCandidate = ({ op, outputs }: GraphNode): boolean =>
  hasTrait(op, 'free') ||
  (hasTrait(op, 'pointwise') && outputs[0]!.dtype === 'float32' && sizeOf(outputs[0]!.shape) >= SMALL);
