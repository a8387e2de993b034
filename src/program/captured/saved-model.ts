import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { message, text, varint } from '../../io/protobuf.js';
import { writeFunction, writeNode } from './function-proto.js';
import { type GraphFunction, type GraphNode, node, ref, specOf } from './graph.js';
import { FIELD, PRODUCER, SCHEMA_VERSION } from './saved-model-schema.js';
import { sortNodes } from './walk.js';

/**
 * Writes the nodes that the targets need as a SavedModel (tag `serve`) that a session can load. A
 * target is fed or fetched by its name in the map; the other nodes get short names. The same graph
 * gives the same bytes. Throws a RangeError on a constant whose elements do not fill its shape.
 */
export function savedModel(targets: ReadonlyMap<string, GraphNode>): Uint8Array {
  const writer = new BinaryWriter();
  varint(writer, FIELD.savedModel.schemaVersion, SCHEMA_VERSION);
  message(writer, FIELD.savedModel.metaGraphs, () => {
    message(writer, FIELD.metaGraph.info, () => text(writer, FIELD.metaInfo.tags, 'serve'));
    message(writer, FIELD.metaGraph.graph, () => writeGraph(writer, targets, ''));
  });
  return writer.finish();
}

/**
 * Writes the nodes that the targets need as a GraphDef, to be added to a graph that is loaded: the
 * names of the others begin with `prefix`, which no name there does. Throws as {@link savedModel}.
 */
export function graphDef(targets: ReadonlyMap<string, GraphNode>, prefix: string): Uint8Array {
  const writer = new BinaryWriter();
  writeGraph(writer, targets, prefix);
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, targets: ReadonlyMap<string, GraphNode>, prefix: string): void {
  const distinct = withoutAliases(targets);
  const nodes = sortNodes(distinct.values());
  const names = named(nodes, distinct, prefix);
  for (const each of nodes)
    message(writer, FIELD.graph.node, () => writeNode(writer, each, names.get(each)!, inputsOf(each, names)));
  message(writer, FIELD.graph.library, () => {
    for (const each of functionsOf(nodes)) message(writer, FIELD.library.function, () => writeFunction(writer, each));
  });
  message(writer, FIELD.graph.versions, () => varint(writer, FIELD.versions.producer, PRODUCER));
}

/** A node has one name in a graph: a second target that is the same node becomes a copy of its first output. */
function withoutAliases(targets: ReadonlyMap<string, GraphNode>): Map<string, GraphNode> {
  const seen = new Set<GraphNode>();
  const distinct = new Map<string, GraphNode>();
  for (const [name, target] of targets) {
    distinct.set(name, seen.has(target) ? alias(target) : target);
    seen.add(target);
  }
  return distinct;
}

function alias(target: GraphNode): GraphNode {
  const source = ref(target);
  const spec = specOf(source);
  return node('Identity', { T: { type: spec.dtype } }, [source], [spec]);
}

function named(
  nodes: readonly GraphNode[],
  targets: ReadonlyMap<string, GraphNode>,
  prefix: string,
): Map<GraphNode, string> {
  const names = new Map([...targets].map(([name, target]) => [target, name]));
  let count = 0;
  for (const each of nodes) {
    if (names.has(each)) continue;
    while (targets.has(`${prefix}n${count}`)) count += 1;
    names.set(each, `${prefix}n${count}`);
    count += 1;
  }
  return names;
}

/** Inputs and controls as a graph names them. */
function inputsOf({ inputs, controls }: GraphNode, names: ReadonlyMap<GraphNode, string>): string[] {
  return [
    ...inputs.map(({ node, output }) => (output === 0 ? names.get(node)! : `${names.get(node)}:${output}`)),
    ...Array.from(new Set(controls), (control) => `^${names.get(control)!}`),
  ];
}

/** Functions that nodes call, each once. */
function functionsOf(nodes: readonly GraphNode[]): Iterable<GraphFunction> {
  const functions = new Map<string, GraphFunction>();
  for (const { attributes } of nodes)
    for (const attribute of Object.values(attributes))
      if ('function' in attribute) functions.set(attribute.function.name, attribute.function);
  return functions.values();
}
