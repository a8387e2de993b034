/**
 * Bytes in zstd frames without compression, a frame for every so many bytes: enough for a reader of
 * text, and Node 20 cannot pack more.
 */
export function zstdStored(bytes: Uint8Array, size: number): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0b0010_0000, part.length]);
    const block = Buffer.alloc(3);
    // The last block of its frame, stored as it is.
    block.writeUIntLE((part.length << 3) | 1, 0, 3);
    frames.push(head, block, Buffer.from(part));
  }
  return Buffer.concat(frames);
}
