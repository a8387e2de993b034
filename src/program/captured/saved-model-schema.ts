import type { Dtype } from './graph.js';

/**
 * Field numbers of the messages that a recorded graph is written with, only those: TensorFlow's public
 * saved_model.proto, meta_graph.proto, graph.proto, node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto,
 * function.proto, op_def.proto and versions.proto.
 */
export const FIELD = {
  savedModel: { schemaVersion: 1, metaGraphs: 2 },
  metaGraph: { info: 1, graph: 2 },
  metaInfo: { tags: 4 },
  graph: { node: 1, library: 2, versions: 4 },
  library: { function: 1 },
  functionDef: { signature: 1, node: 3, returns: 4 },
  op: { name: 1, inputs: 2, outputs: 3 },
  argument: { name: 1, type: 3 },
  versions: { producer: 1 },
  node: { name: 1, op: 2, input: 3, attributes: 5 },
  /** An entry of any map. */
  entry: { key: 1, value: 2 },
  attribute: { list: 1, string: 2, int: 3, float: 4, bool: 5, type: 6, shape: 7, tensor: 8, function: 10 },
  functionName: 1,
  list: { string: 2, int: 3, type: 6, shape: 7 },
  shape: { dimension: 2 },
  dimension: { size: 1 },
  tensor: { dtype: 1, shape: 2, content: 4 },
} as const;

/** What schemaVersion says: the only one there has been. */
export const SCHEMA_VERSION = 1;

/**
 * Version of the graph's ops, TensorFlow's GRAPH_DEF_VERSION of the day; older libraries refuse
 * what is too new for them.
 */
export const PRODUCER = 1882;

/** Element types as types.proto numbers them. */
export const TYPE: Readonly<Record<Dtype, number>> = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int8: 6,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
};

/** Field of a tensor that holds single elements, by element type. */
export const ELEMENTS: Readonly<Record<Exclude<Dtype, 'resource'>, number>> = {
  float32: 5,
  int32: 7,
  uint8: 7,
  int8: 7,
  int64: 10,
  bool: 11,
  bfloat16: 13,
};
