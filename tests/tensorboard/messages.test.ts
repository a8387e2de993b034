import { expect, test } from 'vitest';
import { crc32c, maskedCrc32c } from '../../src/tensorboard/crc32c.js';
import { type BoardEvent, eventRecord, frame, versionRecord } from '../../src/tensorboard/messages.js';
import { readEvents, readRecords, readSession } from '../helpers/event-file.js';

const bytes = (text: string) => new TextEncoder().encode(text);

test('checksums are those of RFC 3720 (appendix B.4), masked as by TensorFlow', () => {
  expect(crc32c(bytes('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  // As `masked_crc32c` of TensorBoard 2.21 has it.
  expect(maskedCrc32c(bytes('123456789'))).toBe(0xc78ab0e5);
});

const EVENTS: BoardEvent[] = [
  {
    ...{ wallTime: 1_700_000_000.25, step: 0 },
    values: [
      { kind: 'text', tag: 'run', text: '**ü** 🙂' },
      {
        ...{ kind: 'session-start', group: 'phased', started: 1_700_000_000 },
        hyperparameters: { order: 'phased', seed: 3, 'lora.rsLora': false, 'optim.learningRate': 2e-4 },
      },
    ],
  },
  {
    ...{ wallTime: 1_700_000_001, step: 7_000_000_000 },
    values: [
      { kind: 'scalar', tag: 'train/loss', value: 0.1 },
      { kind: 'scalar', tag: 'train/grad_norm', value: Number.NaN },
      { kind: 'scalar', tag: 'held_out/all', value: 0 },
    ],
  },
  { wallTime: 1_700_000_002, step: 5, values: [] },
  { wallTime: 1_700_000_003, step: 9, values: [{ kind: 'session-end', status: 'success', ended: 1_700_000_003 }] },
];

test('an event file reads back: version, scalars, text, options, a mark, the end', () => {
  const file = Buffer.concat([versionRecord(1_700_000_000), ...EVENTS.map(eventRecord)]);
  const [version, start, scalars, mark, end] = readEvents(file);
  expect(version).toMatchObject({ version: 'brain.Event:2', values: [] });
  expect(start).toMatchObject({ wallTime: 1_700_000_000.25, step: 0, restart: false });
  const [text, options] = start!.values;
  expect(text).toMatchObject({ tag: 'run', plugin: 'text', dataClass: 2, dtype: 7, shape: [], strings: ['**ü** 🙂'] });
  expect(options).toMatchObject({ tag: '_hparams_/session_start_info', plugin: 'hparams', dtype: 1, shape: [0] });
  expect(readSession(options!.content)).toMatchObject({
    options: { order: 'phased', seed: 3, 'lora.rsLora': false, 'optim.learningRate': 2e-4 },
    ...{ group: 'phased', time: 1_700_000_000 },
  });
  expect(scalars!.step).toBe(7_000_000_000);
  expect(scalars!.values.map(({ tag, scalar }) => [tag, scalar])).toEqual([
    ['train/loss', Math.fround(0.1)],
    ['train/grad_norm', Number.NaN],
    ['held_out/all', 0],
  ]);
  expect(mark).toMatchObject({ step: 5, restart: true, values: [] });
  expect(readSession(end!.values[0]!.content)).toMatchObject({ status: 1, time: 1_700_000_003 });
});

test('a file cut off at any byte reads up to its last whole record', () => {
  const records = [versionRecord(1), ...EVENTS.map(eventRecord)];
  const ends: number[] = [];
  for (const { length } of records) ends.push((ends.at(-1) ?? 0) + length);
  const file = Buffer.concat(records);
  for (let length = 0; length <= file.length; length++) {
    const { records, rest } = readRecords(file.subarray(0, length));
    expect(records).toHaveLength(ends.filter((end) => end <= length).length);
    expect(rest).toBe(length - (ends.filter((end) => end <= length).at(-1) ?? 0));
  }
});

test('the reader of these tests finds a changed byte', () => {
  const record = frame(bytes('data'));
  for (let i = 8; i < record.length; i++) {
    const changed = Uint8Array.from(record, (byte, at) => (at === i ? byte ^ 1 : byte));
    expect(() => readRecords(changed)).toThrow('wrong checksum');
  }
});
