import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type HostTensor } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { toBfloat16 } from '../../../src/io/float.js';
import { openSafetensors, type Safetensors } from '../../../src/io/safetensors.js';
import { DYNAMIC_MAP, quantizeNf4 } from '../../../src/program/captured/quantize-nf4.js';
import { quantizeRows } from '../../../src/program/captured/quantize-rows.js';
import { blockScales, dequantizedNf4, placesOf } from '../../helpers/nf4.js';

/** What bitsandbytes makes of the same matrices (scripts/reference/nf4.py). */
let file: Safetensors;
beforeAll(async () => {
  file = await openSafetensors('tests/fixtures/nf4.safetensors');
});
afterAll(() => file.close());

const floats = async (name: string) => (await file.read(name)) as HostTensor<'float32'>;
const bytes = (name: string) => file.readBytes(name);

const MATRICES = [
  ...['bfloat16', 'unaligned', 'grouped', 'ties', 'zeros', 'tiny', 'large', 'negative', 'outlier', 'even', 'one'],
  'nothing',
];

describe.each(MATRICES)('%s', (name) => {
  test('every place, scale and value is what bitsandbytes makes of it', async () => {
    const weight = await floats(`${name}.weight`);
    const made = quantizeNf4(weight);
    const packed = await bytes(`${name}.codes`);
    const places = placesOf(made);
    expect(places.length).toBe(64 * Math.ceil(weight.data.length / 64));
    const expected = Uint8Array.from(weight.data, (_, i) => (packed[i >> 1]! >> (i % 2 ? 0 : 4)) & 15);
    expect(places.slice(0, expected.length)).toEqual(expected);
    expect([made.offset]).toEqual([...(await floats(`${name}.offset`)).data]);
    // A sum of n numbers of one sign in float32, in any order, is off by n half units in the last place at most.
    const [summed] = (await floats(`${name}.torch_offset`)).data as unknown as [number];
    expect(Math.abs(summed - made.offset)).toBeLessThanOrEqual(made.scales.length * 2 ** -24 * made.offset);
    expect(made.largest).toEqual((await floats(`${name}.largest`)).data);
    const scales = await bytes(`${name}.scales`);
    expect(made.scales.slice(0, scales.length)).toEqual(scales);
    const { shape, data } = await floats(`${name}.dequantized`);
    const wide = dequantizedNf4(weight);
    expect(wide.shape).toEqual(shape);
    expect(wide.data).toEqual(data);
    const low = (await file.readBfloat16(`${name}.dequantized_bfloat16`)).data;
    expect(toBfloat16(wide.data)).toEqual(low);
  });

  test("bitsandbytes' library for the processor differs in scales that lie next to a midpoint only", async () => {
    const absmax = (await floats(`${name}.absmax`)).data;
    const { scales, largest, offset } = quantizeNf4(await floats(`${name}.weight`));
    for (const [i, own] of (await bytes(`${name}.cpu_scales`)).entries()) {
      const group = largest[i >> 8]!;
      if (own === scales[i] || group === 0) continue;
      const [x, midpoint] = [(absmax[i]! - offset) / group, (DYNAMIC_MAP[own]! + DYNAMIC_MAP[scales[i]!]!) / 2];
      expect(Math.abs(x - midpoint)).toBeLessThan(1 / 65535 + 2 ** -23);
    }
  });
});

test('the values of a scale are those of bitsandbytes', async () => {
  expect(DYNAMIC_MAP).toEqual((await floats('map')).data);
});

test('elements keep their places when what they were quantized to is quantized again', () => {
  const { normal } = random(2, 'again');
  const weight = float32([40, 200], Float32Array.from({ length: 8000 }, normal));
  const once = quantizeNf4(weight);
  // With the very scales: their own rounding depends on their mean, which it moves.
  const scales = blockScales(once);
  expect(scales.every((scale) => scale > 0)).toBe(true);
  const again = quantizeNf4(dequantizedNf4(weight));
  expect(again.codes).toEqual(once.codes);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('the row of %d is named', (value) => {
  for (const at of [3 * 70 + 5, 4 * 70 + 69]) {
    const weight = float32([5, 70], new Float32Array(350).with(at, value));
    expect(() => quantizeNf4(weight)).toThrow(`row ${Math.floor(at / 70)}: expected finite values, found ${value}`);
  }
});

test('it keeps the room that it is given, whatever was in it', () => {
  const { normal } = random(3, 'room');
  const weight = float32([6, 75], Float32Array.from({ length: 450 }, normal));
  const room = new Int32Array(200).fill(-1);
  const made = quantizeNf4(weight, (words) => room.subarray(3, 3 + words));
  expect(made.words.buffer).toBe(room.buffer);
  expect(made.codes).toEqual(quantizeNf4(weight).codes);
});

test('normal weights lose a tenth of their length in 4 bits, and a hundredth in 8', () => {
  const { normal } = random(1, 'error');
  const weight = float32([64, 1024], Float32Array.from({ length: 65536 }, normal));
  const error = (of: (i: number) => number) =>
    Math.sqrt(
      weight.data.reduce((sum, x, i) => sum + (x - of(i)) ** 2, 0) / weight.data.reduce((sum, x) => sum + x * x, 0),
    );
  const wide = dequantizedNf4(weight).data;
  const rows = quantizeRows(weight);
  const inFour = error((i) => wide[i]!);
  const inEight = error((i) => rows.data[i]! * rows.scales[i >> 10]!);
  expect(inFour).toBeGreaterThan(0.08);
  expect(inFour).toBeLessThan(0.1);
  expect(inEight).toBeLessThan(0.01);
});
