import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { ggufFile } from '../../scripts/reliability/fuzz/gguf-file.js';
import { LIMITS } from '../../src/io/gguf-cursor.js';
import { MAX_HEADER_BYTES } from '../../src/io/safetensors-header.js';

const READER = fileURLToPath(new URL('./bombs.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bombs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A safetensors file with a header of the greatest length: a part over and over. */
function header(begin: string, part: string, end: string): Uint8Array {
  const times = Math.floor((MAX_HEADER_BYTES - begin.length - end.length) / part.length);
  const json = Buffer.from(begin + part.repeat(times) + end);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

/**
 * Most memory, as a multiple of the file's size: a byte makes at most one small object (two
 * characters are an empty list), of some dozens of bytes, and copies of it. What grows by the
 * square of the length would be a million.
 */
const MOST_MEMORY = 200;

/**
 * Most work, as a multiple of what JSON.parse does for as many bytes: some steps for each of them.
 * A square would be over 100,000.
 */
const MOST_WORK = 1000;

const names = (count: number) => Array.from({ length: count }, (_, i) => i.toString(36).padStart(5, '0'));

/** As many tensors as a header holds, each with a name of its own. */
function manyTensors(): Uint8Array {
  const entries = names(34_000).map((name) => `"${name}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
  return header(`{${entries.join()}`, ' ', '}');
}

/** A GGUF file with one list of these entries. */
function list(type: 'u8' | 'text', count: number, entries: Uint8Array): Uint8Array {
  const start = Buffer.from(ggufFile([['k', type, []]], []).subarray(0, 24 + 9 + 4 + 4 + 8));
  start.writeBigUInt64LE(BigInt(count), start.length - 8);
  return Buffer.concat([start, entries, new Uint8Array(32)]);
}

/** Different texts of eight bytes, each with its length. */
function texts(count: number): Uint8Array {
  const out = Buffer.alloc(16 * count);
  for (let i = 0; i < count; i++) {
    out[16 * i] = 8;
    out.write(i.toString(36).padStart(8, 'x'), 16 * i + 8);
  }
  return out;
}

it.skipIf(process.platform !== 'linux').each<[what: string, file: string, bytes: () => Uint8Array]>([
  ['lists in each other', 'lists.safetensors', () => header('{"a":', '[', '')],
  ['objects in each other', 'objects.safetensors', () => header('', '{"a":', '')],
  ['empty objects', 'empty.safetensors', () => header('{"a":[', '{},', '{}]}')],
  ['numbers', 'numbers.safetensors', () => header('{"a":{"dtype":"F32","shape":[', '1,', '1]}}')],
  ['escapes', 'escapes.safetensors', () => header('{"', '\\u00ff', '":1}')],
  ['34,000 tensors', 'tensors.safetensors', manyTensors],
  ['a metadata text', 'text.safetensors', () => header('{"__metadata__":{"a":"', 'x', '"}}')],
  ['a list of numbers', 'numbers.gguf', () => list('u8', LIMITS.entries, new Uint8Array(LIMITS.entries).fill(200))],
  ['a list of texts', 'texts.gguf', () => list('text', LIMITS.entries, texts(LIMITS.entries))],
  ['a text', 'text.gguf', () => ggufFile([['k', 'text', 'ü'.repeat(LIMITS.textBytes / 2 - 100)]], [])],
])('a header that is as long as it may be with %s takes work and memory by its length', async (_what, name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes());
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', READER, path]);
  rmSync(path);
  const { memory, work, refusal } = JSON.parse(stdout) as { memory: number; work: number; refusal?: string };
  expect(memory, 'times the size of the file').toBeLessThan(MOST_MEMORY);
  expect(work, 'times that of JSON.parse').toBeLessThan(MOST_WORK);
  if (refusal) expect(refusal).toMatch(/^PhasetuneError: /);
});
