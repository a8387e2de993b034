import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { withTraceFile } from './native/trace-file.js';

/** Time that ops of one kind and size took in sessions. */
export interface OpTime {
  /** TensorFlow's name of the op. */
  readonly op: string;
  /** Shape of its first output. */
  readonly shape: readonly number[];
  /** Where it ran, as TensorFlow names devices. */
  readonly device: string;
  readonly calls: number;
  /** Sum over the calls; ops that ran side by side count in full each. */
  readonly seconds: number;
}

/**
 * Field numbers of TensorFlow's public config.proto, step_stats.proto, tensor_description.proto and
 * tensor_shape.proto.
 */
const FIELD = {
  runs: 1,
  runMetadata: { stepStats: 1 },
  stepStats: { devices: 1 },
  device: { name: 1, nodes: 2 },
  node: { output: 7, label: 8, startNanos: 14, endNanos: 15 },
  output: { tensor: 3 },
  tensor: { shape: 2 },
  shape: { dimension: 2 },
  dimension: { size: 1 },
};

/**
 * Runs `work` while TensorFlow keeps the time of every op that sessions run. Gives the times by op
 * and shape, the longest first; none where the backend is not the native one.
 */
export async function traced<T>(work: () => Promise<T>): Promise<{ value: T; times: OpTime[] }> {
  const { value, trace } = await withTraceFile(work);
  return { value, times: opTimes(trace) };
}

function opTimes(trace: Uint8Array): OpTime[] {
  const times = new Map<string, OpTime>();
  const devices = messages(trace, FIELD.runs)
    .flatMap((run) => messages(run, FIELD.runMetadata.stepStats))
    .flatMap((stats) => messages(stats, FIELD.stepStats.devices));
  for (const fields of devices.map(parse)) {
    const device = text(fields, FIELD.device.name);
    for (const node of (fields.get(FIELD.device.nodes) ?? []) as Uint8Array[]) {
      const { op, shape, seconds } = nodeTime(parse(node));
      const key = `${device} ${op} ${shape}`;
      const { calls, seconds: before } = times.get(key) ?? { calls: 0, seconds: 0 };
      times.set(key, { op, shape, device, calls: calls + 1, seconds: before + seconds });
    }
  }
  return [...times.values()].sort((a, b) => b.seconds - a.seconds);
}

function nodeTime(node: Fields): Pick<OpTime, 'op' | 'shape' | 'seconds'> {
  // A label is `name = Op(inputs)` on the processor.
  const label = text(node, FIELD.node.label);
  const nanos = number(node, FIELD.node.endNanos) - number(node, FIELD.node.startNanos);
  return { op: /= (\w+)\(/.exec(label)?.[1] ?? label, shape: shapeOf(node), seconds: nanos / 1e9 };
}

function shapeOf(node: Fields): number[] {
  const [output] = (node.get(FIELD.node.output) ?? []) as Uint8Array[];
  if (!output) return [];
  return messages(output, FIELD.output.tensor)
    .flatMap((tensor) => messages(tensor, FIELD.tensor.shape))
    .flatMap((shape) => messages(shape, FIELD.shape.dimension))
    .map((dimension) => number(parse(dimension), FIELD.dimension.size));
}

/** Fields of a message by number: integers, and the bytes of texts and messages. */
type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

function parse(message: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const all = fields.get(field) ?? [];
    fields.set(field, all);
    if (type === WireType.Varint) all.push(Number(reader.int64()));
    else if (type === WireType.LengthDelimited) all.push(reader.bytes());
    else reader.skip(type, field);
  }
  return fields;
}

const messages = (message: Uint8Array, field: number) => (parse(message).get(field) ?? []) as readonly Uint8Array[];

const text = (fields: Fields, field: number): string =>
  new TextDecoder().decode(fields.get(field)?.[0] as Uint8Array | undefined);

const number = (fields: Fields, field: number): number => (fields.get(field)?.[0] as number | undefined) ?? 0;
