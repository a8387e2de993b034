import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { repackPng } from '../../scripts/docs/repack-png.js';
import { random } from '../../src/core/random.js';

const [WIDTH, HEIGHT, BYTES] = [7, 10, 3];

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const numbers = [data.length, crc32(body)].map((value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  });
  return Buffer.concat([numbers[0]!, body, numbers[1]!]);
}

/** A picture of noise whose lines are filtered by each of PNG's filters, as its standard defines them. */
function noise(): { pixels: Buffer[]; png: Buffer } {
  const { integer } = random(1, 'noise');
  const pixels = Array.from({ length: HEIGHT }, () =>
    Buffer.from(Array.from({ length: WIDTH * BYTES }, () => integer(256))),
  );
  const at = (x: number, y: number) => (x < 0 || y < 0 ? 0 : pixels[y]![x]!);
  const expected = (filter: number, x: number, y: number): number => {
    const [left, above, both] = [at(x - BYTES, y), at(x, y - 1), x < BYTES ? 0 : at(x - BYTES, y - 1)];
    if (filter === 3) return Math.floor((left + above) / 2);
    if (filter < 3) return [0, left, above][filter]!;
    const guess = left + above - both;
    return [left, above, both].reduce((best, value) =>
      Math.abs(guess - value) < Math.abs(guess - best) ? value : best,
    );
  };
  const lines = pixels.map((line, y) =>
    Buffer.from([y % 5, ...[...line].map((value, x) => (value - expected(y % 5, x, y) + 256) % 256)]),
  );
  const head = Buffer.from([0, 0, 0, WIDTH, 0, 0, 0, HEIGHT, 8, 2, 0, 0, 0]);
  const packed = deflateSync(Buffer.concat(lines));
  const parts = [chunk('IHDR', head), chunk('IDAT', packed.subarray(0, 20)), chunk('IDAT', packed.subarray(20))];
  return {
    pixels,
    png: Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts, chunk('IEND', Buffer.alloc(0))]),
  };
}

test('a picture keeps its pixels, whatever filters its lines have', () => {
  const { pixels, png } = noise();
  const repacked = repackPng(png);
  expect(repacked.subarray(0, 33)).toEqual(png.subarray(0, 33));
  const length = repacked.readUInt32BE(33);
  expect(repacked.toString('latin1', 37, 41)).toBe('IDAT');
  const lines = inflateSync(repacked.subarray(41, 41 + length));
  expect(lines).toEqual(Buffer.concat(pixels.flatMap((line) => [Buffer.from([0]), line])));
  expect(repackPng(repacked)).toEqual(repacked);
});
