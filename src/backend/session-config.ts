import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

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
  const message = (field: number, write: () => void) => {
    writer.tag(field, WireType.LengthDelimited).fork();
    write();
    writer.join();
  };
  writer.tag(FIELD.allowSoftPlacement, WireType.Varint).bool(true);
  message(FIELD.graphOptions, () => {
    message(FIELD.optimizerOptions, () => writer.tag(FIELD.level, WireType.Varint).int32(LEVEL_0));
    message(FIELD.rewriteOptions, () => writer.tag(FIELD.disableMetaOptimizer, WireType.Varint).bool(true));
  });
  return writer.finish();
}
