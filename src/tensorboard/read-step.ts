import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FIELD, FRAME } from './messages.js';

/** The step of an event, where it has values. */
function stepOf(data: Uint8Array): number | undefined {
  const reader = new BinaryReader(data);
  let step = 0;
  let hasValues = false;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === FIELD.event.step) step = Number(reader.int64());
    else {
      hasValues ||= field === FIELD.event.summary;
      reader.skip(wire);
    }
  }
  return hasValues ? step : undefined;
}

/**
 * The step of the last whole event with values in a file that may be cut off; undefined without one. Checksums are not
 * looked at: a file of ours ends early or is right.
 */
export function lastStep(file: Uint8Array): number | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = FRAME.length + FRAME.checksum;
  let last: number | undefined;
  for (let at = 0; at + start <= file.length; ) {
    const end = at + start + Number(view.getBigUint64(at, true));
    if (end + FRAME.checksum > file.length) break;
    last = stepOf(file.subarray(at + start, end)) ?? last;
    at = end + FRAME.checksum;
  }
  return last;
}
