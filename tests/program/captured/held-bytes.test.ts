import { expect, test } from 'vitest';
import { shapeConfig } from '../../../src/bench/shapes.js';
import { modelVariables } from '../../../src/model/load.js';
import { variableBytes } from '../../../src/program/captured/forecast.js';

test('Llama 3 8B takes 16.1 GB in bfloat16, 9.1 in 8 bits and 5.7 in 4', () => {
  const spec = modelVariables(shapeConfig({ shape: 'llama-3-8b' }));
  const bytes = (held: object) => variableBytes(spec, { mode: 'captured', precision: 'bfloat16', ...held });
  // Per layer 4096 x (4096 + 2 x 1024 + 4096 + 3 x 14336) in seven matrices; embedding, head and norms beside them.
  const [matrices, elements] = [32 * 7, 32 * 4096 * (2 * 4096 + 2 * 1024 + 3 * 14336)];
  const rows = 32 * (4096 + 2 * 1024 + 4096 + 2 * 14336 + 4096);
  const rest = 2 * (2 * 128256 * 4096) + 4 * 65 * 4096;
  expect(bytes({})).toBe(2 * elements + rest);
  // Products in float32, of matrices that are held as in bfloat16: the rest takes twice as much.
  const rest32 = 2 * rest - 4 * 65 * 4096;
  expect(bytes({ precision: 'float32' })).toBe(4 * elements + rest32);
  expect(bytes({ precision: 'float32', loadIn16bit: true })).toBe(2 * elements + rest32);
  expect(bytes({ loadIn16bit: true })).toBe(bytes({}));
  expect(bytes({ loadIn8bit: true })).toBe(elements + 4 * rows + rest);
  // Half a byte each, a byte for 64, four for 256 of those, four once a matrix.
  const nf4 = elements / 2 + elements / 64 + (4 * elements) / 64 / 256 + 4 * matrices;
  expect(bytes({ loadIn4bit: true })).toBe(nf4 + rest);
  expect(nf4 + rest).toBe(5_702_828_928);
});
