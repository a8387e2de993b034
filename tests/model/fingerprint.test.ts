import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fingerprint, fingerprintModel } from '../../src/model/fingerprint.js';

const BLOCK = 262144;
const bytes = Uint8Array.from({ length: 80 * BLOCK + 17 }, (_, i) => i * 31 + (i >> 11));
const sha256 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-print-'));
  await writeFile(join(folder, 'model.safetensors'), bytes);
  for (const name of ['config.json', 'tokenizer.json', 'chat_template.jinja', 'README.md'])
    await writeFile(join(folder, name), name);
});
afterAll(() => rm(folder, { recursive: true }));

test('a file is fingerprinted whole, its kind named', async () => {
  expect(await fingerprint(join(folder, 'model.safetensors'))).toBe(`sha256:${sha256(bytes)}`);
});

test('a large one by its size and 64 blocks, as documented', async () => {
  const offsets = Array.from({ length: 64 }, (_, i) => Math.floor((i * (bytes.length - BLOCK)) / 63));
  const blocks = offsets.map((offset) => bytes.subarray(offset, offset + BLOCK));
  expect(await fingerprint(join(folder, 'model.safetensors'), bytes.length - 1)).toBe(
    `sampled-sha256:${sha256(String(bytes.length), ...blocks)}`,
  );
});

test('of a model folder the files count that decide the training', async () => {
  const prints = await fingerprintModel(folder);
  expect(Object.keys(prints)).toEqual(['chat_template.jinja', 'config.json', 'model.safetensors', 'tokenizer.json']);
  expect(prints['config.json']).toBe(`sha256:${sha256('config.json')}`);
});
