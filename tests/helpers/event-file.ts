import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';
import { crc32c } from '../../src/tensorboard/crc32c.js';
import type { RunEvent } from '../../src/train/events.js';

/** An event of a file, as far as it is written. */
export interface ReadEvent {
  wallTime: number;
  step: number;
  version?: string;
  /** Whether it says that what came before from this step on is void. */
  restart: boolean;
  values: ReadValue[];
}

/** A value of an event. */
export interface ReadValue {
  tag: string;
  plugin: string;
  dataClass: number;
  content: Uint8Array;
  dtype: number;
  shape: number[];
  /** Of a scalar. */
  scalar?: number;
  strings: string[];
}

type Fields = Record<number, (reader: BinaryReader, wire: WireType) => void>;

/** Reads a message; a field that is not expected is an error. */
function read(bytes: Uint8Array, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const take = fields[field];
    if (!take) throw new Error(`unexpected field ${field}`);
    take(reader, wire);
  }
}

/** The data of whole records, each with right checksums, and the bytes that follow them. Throws at a wrong checksum. */
export function readRecords(file: Uint8Array): { records: Uint8Array[]; rest: number } {
  const records: Uint8Array[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const check = (start: number, end: number) => {
    const crc = crc32c(file.subarray(start, end));
    const expected = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
    if (view.getUint32(end, true) !== expected) throw new Error(`wrong checksum at byte ${end}`);
  };
  let at = 0;
  while (at + 12 <= file.length) {
    const length = Number(view.getBigUint64(at, true));
    check(at, at + 8);
    if (at + 16 + length > file.length) break;
    check(at + 12, at + 12 + length);
    records.push(file.subarray(at + 12, at + 12 + length));
    at += 16 + length;
  }
  return { records, rest: file.length - at };
}

/** The events of whole records in a file. */
export const readEvents = (file: Uint8Array): ReadEvent[] => readRecords(file).records.map(readEvent);

function readEvent(bytes: Uint8Array): ReadEvent {
  const event: ReadEvent = { wallTime: Number.NaN, step: 0, restart: false, values: [] };
  read(bytes, {
    1: (r) => (event.wallTime = r.double()),
    2: (r) => (event.step = Number(r.int64())),
    3: (r) => (event.version = r.string()),
    5: (r) => read(r.bytes(), { 1: (inner) => event.values.push(readValue(inner.bytes())) }),
    7: (r) => read(r.bytes(), { 1: (inner) => (event.restart = inner.int32() === 1) }),
  });
  return event;
}

function readValue(bytes: Uint8Array): ReadValue {
  const value: ReadValue = {
    ...{ tag: '', plugin: '', dataClass: 0, content: new Uint8Array(), dtype: 0 },
    ...{ shape: [], strings: [] },
  };
  read(bytes, {
    1: (r) => (value.tag = r.string()),
    2: (r) => (value.scalar = r.float()),
    9: (r) =>
      read(r.bytes(), {
        1: (inner) =>
          read(inner.bytes(), { 1: (p) => (value.plugin = p.string()), 2: (p) => (value.content = p.bytes()) }),
        4: (inner) => (value.dataClass = inner.int32()),
      }),
    8: (r) =>
      read(r.bytes(), {
        1: (inner) => (value.dtype = inner.int32()),
        2: (inner) =>
          read(inner.bytes(), { 2: (s) => read(s.bytes(), { 1: (d) => value.shape.push(Number(d.int64())) }) }),
        8: (inner) => value.strings.push(inner.string()),
      }),
  });
  return value;
}

/** The options that a session's record holds, its group and its time. */
export function readSession(content: Uint8Array) {
  const session = { options: {} as Record<string, unknown>, group: '', time: Number.NaN, status: 0 };
  read(content, {
    3: (r) =>
      read(r.bytes(), {
        1: (inner) => {
          let key = '';
          read(inner.bytes(), {
            1: (k) => (key = k.string()),
            2: (v) =>
              read(v.bytes(), {
                2: (x) => (session.options[key] = x.double()),
                3: (x) => (session.options[key] = x.string()),
                4: (x) => (session.options[key] = x.bool()),
              }),
          });
        },
        4: (inner) => (session.group = inner.string()),
        5: (inner) => (session.time = inner.double()),
      }),
    4: (r) =>
      read(r.bytes(), {
        1: (inner) => (session.status = inner.int32()),
        2: (inner) => (session.time = inner.double()),
      }),
  });
  return session;
}

/** A curve: steps with their values. */
export type Curve = [step: number, value: number][];

/**
 * The curves that a reader shows of files that follow one another. `marks`: as TensorBoard's reader in
 * Python, at a mark everything from its step on goes; otherwise as its newer reader, a record drops those
 * of its tag from its step on.
 */
export function curvesOf(files: readonly Uint8Array[], marks: boolean): Record<string, Curve> {
  const curves: Record<string, Curve> = {};
  for (const { step, restart, values } of files.flatMap(readEvents)) {
    if (marks && restart) for (const tag in curves) curves[tag] = curves[tag]!.filter(([at]) => at < step);
    for (const { tag, scalar } of values) {
      if (scalar === undefined) continue;
      const before = curves[tag] ?? [];
      curves[tag] = [...(marks ? before : before.filter(([at]) => at < step)), [step, scalar]];
    }
  }
  return curves;
}

/** The curves that a run's events amount to, worked out apart from the product; `steps` are those of a stage. */
export function expectedCurves(events: readonly RunEvent[], steps: number): Record<string, Curve> {
  const curves: Record<string, Curve> = {};
  const put = (tag: string, step: number, value: number) => {
    curves[tag] = [...(curves[tag] ?? []), [step, Math.fround(value)]];
  };
  for (const event of events) {
    if (event.type === 'step') {
      const step = (event.stage - 1) * steps + event.step;
      put('train/loss', step, event.loss);
      put('train/learning_rate', step, event.learningRate);
      put('train/grad_norm', step, event.gradNorm);
      put('train/tokens_per_second', step, event.tokensPerSecond);
      put('stage', step, event.stage);
    } else if (event.type === 'eval') {
      const step = Math.max(0, event.stage - 1) * steps + event.step;
      put('held_out/all', step, event.all);
      for (const [i, loss] of event.losses.entries()) put(`held_out/band_${i + 1}`, step, loss);
    }
  }
  return curves;
}
