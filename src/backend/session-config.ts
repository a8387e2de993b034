import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { message, varint } from '../io/protobuf.js';

/** Field numbers of TensorFlow's public config.proto and rewriter_config.proto. */
const FIELD = {
  allowSoftPlacement: 7,
  graphOptions: 10,
  optimizerOptions: 3,
  level: 3,
  rewriteOptions: 10,
  disableMetaOptimizer: 19,
};

/** OptimizerOptions.Level: neither common subexpressions nor constants are looked for. */
const LEVEL_0 = -1;

/**
 * Options of a session (a ConfigProto): it runs the graph as it was written. TensorFlow's own
 * rewriting of the graph costs seconds for each new set of feeds and fetches, and may undo what was
 * written on purpose. What a card has no kernel for, the processor computes.
 */
export function sessionConfig(): Uint8Array {
  const writer = new BinaryWriter();
  varint(writer, FIELD.allowSoftPlacement, 1);
  message(writer, FIELD.graphOptions, () => {
    message(writer, FIELD.optimizerOptions, () => varint(writer, FIELD.level, LEVEL_0));
    message(writer, FIELD.rewriteOptions, () => varint(writer, FIELD.disableMetaOptimizer, 1));
  });
  return writer.finish();
}
