import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGguf } from '../../src/io/gguf.js';
import { openSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from '../helpers/folder.js';

const fixture = new URL('../fixtures/gguf/blocks.gguf', import.meta.url).pathname;
const expected = new URL('../fixtures/gguf/blocks.safetensors', import.meta.url).pathname;
const bits = (data: ArrayBufferView) => new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);

function temporary(bytes: Uint8Array): string {
  const file = join(temporaryFolder('gguf'), 'x.gguf');
  writeFileSync(file, bytes);
  return file;
}

/** The fixture with bytes replaced at the place where a text is found (plus `skip`). */
function patched(text: string, skip: number, bytes: number[]): string {
  const copy = Buffer.from(readFileSync(fixture));
  copy.set(bytes, copy.indexOf(text) + skip);
  return temporary(copy);
}

describe('dequantising', () => {
  it.each(['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K'])(
    '%s gives the bits that the Python package gives',
    async (name) => {
      const ours = await openGguf(fixture);
      const reference = await openSafetensors(expected);
      const [a, b] = [await ours.read(name), await reference.read(name)];
      expect(a.shape).toEqual(b.shape);
      expect(bits(a.data)).toEqual(bits(b.data));
      await ours.close();
      await reference.close();
    },
  );

  it('reads into a scratch buffer without touching what lies behind', async () => {
    const file = await openGguf(fixture);
    const scratch = new Float32Array(2000).fill(7);
    const { data, shape } = await file.read('Q4_K', { scratch });
    expect(data.buffer).toBe(scratch.buffer);
    expect(shape).toEqual([3, 512]);
    expect(scratch.subarray(1536).every((x) => x === 7)).toBe(true);
    expect(data).toEqual((await file.read('Q4_K')).data);
    await file.close();
  });
});

describe('the header', () => {
  it('gives every type of field as written, a leading byte order mark of a token included', async () => {
    const { metadata, close } = await openGguf(fixture);
    expect(metadata.get('general.architecture')).toBe('llama');
    expect(metadata.get('test.text')).toBe('grüße\n\uFEFF');
    expect(metadata.get('test.tokens')).toEqual(['a', '\uFEFF', '\uFEFFb', '', '▁the']);
    expect(metadata.get('test.scores')).toEqual([0.5, -1.25]);
    expect(metadata.get('test.flags')).toEqual([true, false]);
    expect(metadata.get('test.big')).toBe(2n ** 63n + 1n);
    expect(metadata.get('test.negative')).toBe(-(2 ** 40));
    expect(metadata.get('test.double')).toBe(0.1);
    await close();
  });
});

describe('a broken file', () => {
  const whole = readFileSync(fixture);

  it.each([2, 20, 300, 700])('cut off after %i bytes names the size', async (length) => {
    await expect(openGguf(temporary(whole.subarray(0, length)))).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(/cut off|cut-off|not a GGUF/),
    });
  });

  it('cut off in the weights says expected and actual bytes and the tensor', async () => {
    const file = temporary(whole.subarray(0, whole.length - 1000));
    await expect(openGguf(file)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(
        /tensor \w+ is cut off: expected \d+ bytes, file has \d+; copy or download it again/,
      ),
      fields: { file, actual: whole.length - 1000 },
    });
  });

  it.each<[what: string, file: () => string, message: RegExp]>([
    ['another format', () => temporary(Buffer.from('{"a": 1}')), /not a GGUF file: .* found "\{\\"a\\""/],
    ['version 1', () => patched('GGUF', 4, [1, 0, 0, 0]), /version 2 or 3, found version 1/],
    ['big-endian', () => patched('GGUF', 4, [0, 0, 0, 3]), /found big-endian/],
    [
      'a tensor count that cannot be',
      () => patched('GGUF', 8, [255, 255, 255, 255, 255, 255, 255, 127]),
      /tensor count of \d+ does not fit/,
    ],
    [
      'a text length that cannot be',
      () => patched('GGUF', 24, [255, 255, 255, 255, 255, 0, 0, 0]),
      /text length of \d+ does not fit/,
    ],
    [
      'a list length that cannot be',
      () => patched('test.scores', 11 + 8, [255, 255, 255, 255, 255]),
      /test\.scores\) of \d+ does not fit/,
    ],
    ['an unknown field type', () => patched('test.double', 11, [77]), /field test\.double has unknown type 77/],
    [
      'a block type that is not read',
      () => patched('Q4_K', 4 + 4 + 16, [10]),
      /tensor Q4_K: its type Q2_K is not read; expected one of F32, F16/,
    ],
    [
      'a row that is no whole number of blocks',
      () => patched('Q4_K', 4 + 4, [1]),
      /tensor Q4_K: rows of 513 do not divide/,
    ],
    ['five dimensions', () => patched('Q4_K', 4, [5]), /at most 4 dimensions/],
    [
      'an impossible shape',
      () => patched('Q4_K', 8, [0, 255, 255, 255, 255, 255, 255]),
      /tensor Q4_K: impossible size/,
    ],
    [
      'an unaligned tensor',
      () => patched('Q4_K', 4 + 4 + 16 + 4, [1]),
      /tensor Q4_K: offset \d+ is not a multiple of 32/,
    ],
  ])('%s', async (_what, file, message) => {
    await expect(openGguf(file())).rejects.toMatchObject({ code: 'data', message: expect.stringMatching(message) });
  });

  it('names a tensor that is not there', async () => {
    const file = await openGguf(fixture);
    await expect(file.read('nope')).rejects.toThrow('no tensor nope');
    await file.close();
  });
});
