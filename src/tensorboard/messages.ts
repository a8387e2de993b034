import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { double, message, text, varint } from '../io/protobuf.js';
import { maskedCrc32c } from './crc32c.js';

/** An option of a run, as TensorBoard's HParams tab shows it. */
export type Hyperparameter = string | number | boolean;

/** A value of a {@link BoardEvent}, under a tag. */
export type BoardValue =
  | { readonly kind: 'scalar'; readonly tag: string; readonly value: number }
  /** Markdown. */
  | { readonly kind: 'text'; readonly tag: string; readonly text: string }
  /** The options of a run. Runs of one `group` are averaged; without one a run is its own. */
  | {
      readonly kind: 'session-start';
      readonly hyperparameters: Readonly<Record<string, Hyperparameter>>;
      readonly group?: string | undefined;
      /** Seconds since 1970. */
      readonly started: number;
    }
  /** How a run ended, and when. */
  | { readonly kind: 'session-end'; readonly status: 'success' | 'failure'; readonly ended: number };

/** What an event file holds, one record each. */
export interface BoardEvent {
  /** When it happened, in seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** Without values: everything from this step on, of all tags, is void, and comes again. */
  readonly values: readonly BoardValue[];
}

/**
 * Field numbers of TensorBoard's event.proto, summary.proto, tensor.proto and its HParams plugin's
 * plugin_data.proto.
 */
export const FIELD = {
  event: { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 },
  sessionLog: { status: 1 },
  summary: { value: 1 },
  value: { tag: 1, simpleValue: 2, tensor: 8, metadata: 9 },
  metadata: { plugin: 1, dataClass: 4 },
  plugin: { name: 1, content: 2 },
  tensor: { dtype: 1, shape: 2, string: 8 },
  shape: { dimension: 2 },
  dimension: { size: 1 },
  hparams: { start: 3, end: 4 },
  start: { hparams: 1, group: 4, time: 5 },
  entry: { key: 1, value: 2 },
  protobufValue: { number: 2, string: 3, bool: 4 },
  end: { status: 1, time: 2 },
};

const SESSION_LOG_START = 1;
const DATA_CLASS_TENSOR = 2;
const DTYPE = { float: 1, string: 7 };
const STATUS = { success: 1, failure: 2 };

/** Bytes around the data of a record: its length, and a checksum of either. */
export const FRAME = { length: 8, checksum: 4 };

/** Data as a record of an event file. */
export function frame(data: Uint8Array): Uint8Array {
  const start = FRAME.length + FRAME.checksum;
  const record = new Uint8Array(start + data.length + FRAME.checksum);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(FRAME.length, maskedCrc32c(record.subarray(0, FRAME.length)), true);
  record.set(data, start);
  view.setUint32(start + data.length, maskedCrc32c(data), true);
  return record;
}

function record(wallTime: number, step: number, write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  double(writer, FIELD.event.wallTime, wallTime);
  varint(writer, FIELD.event.step, step);
  write(writer);
  return frame(writer.finish());
}

/** The record that every event file begins with. */
export const versionRecord = (wallTime: number): Uint8Array =>
  record(wallTime, 0, (writer) => text(writer, FIELD.event.fileVersion, 'brain.Event:2'));

/** An event as a record. */
export const eventRecord = ({ wallTime, step, values }: BoardEvent): Uint8Array =>
  record(wallTime, step, (writer) => {
    if (values.length === 0)
      message(writer, FIELD.event.sessionLog, () => varint(writer, FIELD.sessionLog.status, SESSION_LOG_START));
    else
      message(writer, FIELD.event.summary, () => {
        for (const value of values) message(writer, FIELD.summary.value, () => writeValue(writer, value));
      });
  });

function writeValue(writer: BinaryWriter, value: BoardValue): void {
  switch (value.kind) {
    case 'scalar':
      text(writer, FIELD.value.tag, value.tag);
      // The older way to write a scalar, which PyTorch has, too: of tensors, TensorBoard's
      // `EventAccumulator` keeps what a mark has made void.
      writer.tag(FIELD.value.simpleValue, WireType.Bit32).float(value.value);
      break;
    case 'text':
      describe(writer, value.tag, 'text');
      writeTensor(writer, DTYPE.string, [], () => text(writer, FIELD.tensor.string, value.text));
      break;
    case 'session-start':
      describe(writer, '_hparams_/session_start_info', 'hparams', sessionStart(value));
      writeTensor(writer, DTYPE.float, [0]);
      break;
    case 'session-end':
      describe(writer, '_hparams_/session_end_info', 'hparams', sessionEnd(value));
      writeTensor(writer, DTYPE.float, [0]);
  }
}

/** Tag and plugin of a tensor. */
function describe(writer: BinaryWriter, tag: string, plugin: string, content?: Uint8Array): void {
  text(writer, FIELD.value.tag, tag);
  message(writer, FIELD.value.metadata, () => {
    message(writer, FIELD.metadata.plugin, () => {
      text(writer, FIELD.plugin.name, plugin);
      if (content) writer.tag(FIELD.plugin.content, WireType.LengthDelimited).bytes(content);
    });
    varint(writer, FIELD.metadata.dataClass, DATA_CLASS_TENSOR);
  });
}

function writeTensor(
  writer: BinaryWriter,
  dtype: number,
  shape: readonly number[],
  writeElements: () => void = () => {},
): void {
  message(writer, FIELD.value.tensor, () => {
    varint(writer, FIELD.tensor.dtype, dtype);
    message(writer, FIELD.tensor.shape, () => {
      for (const size of shape)
        message(writer, FIELD.shape.dimension, () => varint(writer, FIELD.dimension.size, size));
    });
    writeElements();
  });
}

function sessionStart({
  hyperparameters,
  group,
  started,
}: BoardValue & { readonly kind: 'session-start' }): Uint8Array {
  const writer = new BinaryWriter();
  message(writer, FIELD.hparams.start, () => {
    for (const [name, value] of Object.entries(hyperparameters))
      message(writer, FIELD.start.hparams, () => {
        text(writer, FIELD.entry.key, name);
        message(writer, FIELD.entry.value, () => writeHyperparameter(writer, value));
      });
    if (group !== undefined) text(writer, FIELD.start.group, group);
    double(writer, FIELD.start.time, started);
  });
  return writer.finish();
}

function writeHyperparameter(writer: BinaryWriter, value: Hyperparameter): void {
  if (typeof value === 'number') double(writer, FIELD.protobufValue.number, value);
  else if (typeof value === 'boolean') varint(writer, FIELD.protobufValue.bool, Number(value));
  else text(writer, FIELD.protobufValue.string, value);
}

function sessionEnd({ status, ended }: BoardValue & { readonly kind: 'session-end' }): Uint8Array {
  const writer = new BinaryWriter();
  message(writer, FIELD.hparams.end, () => {
    varint(writer, FIELD.end.status, STATUS[status]);
    double(writer, FIELD.end.time, ended);
  });
  return writer.finish();
}
