import { join } from 'node:path';
import { sha256 } from '../core/hash.js';
import { hashFile, listFolder, statPath } from '../io/files.js';
import { openRanged } from '../io/ranged.js';

/** Files over this are fingerprinted by samples: reading a 7B model whole takes longer than loading it. */
const WHOLE_BYTES = 2 ** 30;
const SAMPLES = 64;
const SAMPLE_BYTES = 2 ** 18;

/** What of a model folder decides the training: weights, their index, configuration and tokenizer. */
const DECIDES =
  /(\.safetensors|\.safetensors\.index\.json|^(generation_)?config\.json|^tokenizer.*\.json|^(special_tokens_map|added_tokens)\.json|\.jinja)$/;

/** Fingerprints of a model folder's files by name, see {@link fingerprint}. */
export const fingerprintModel = (folder: string): Promise<Record<string, string>> => fingerprints(folder, DECIDES);

/** The same of a PEFT adapter's folder. */
export const fingerprintAdapter = (folder: string): Promise<Record<string, string>> =>
  fingerprints(folder, /^adapter_(model\.safetensors|config\.json)$/);

async function fingerprints(folder: string, decides: RegExp): Promise<Record<string, string>> {
  const names = (await listFolder(folder)).filter((name) => decides.test(name));
  const prints: Record<string, string> = {};
  for (const name of names) prints[name] = await fingerprint(join(folder, name));
  return prints;
}

/**
 * `sha256:<hex>` of a file; over 1 GiB `sampled-sha256:<hex>` instead: the SHA-256 of its size in bytes as
 * decimal text, then 64 blocks of 256 KiB, the i-th (from 0) beginning at byte floor(i * (size - 262144) /
 * 63).
 */
export async function fingerprint(path: string, wholeBytes = WHOLE_BYTES): Promise<string> {
  const { bytes } = await statPath(path);
  if (bytes <= wholeBytes) return `sha256:${await hashFile(path)}`;
  const size = new TextEncoder().encode(String(bytes));
  const samples = new Uint8Array(size.length + SAMPLES * SAMPLE_BYTES);
  samples.set(size);
  const file = await openRanged(path);
  try {
    for (let i = 0; i < SAMPLES; i++) {
      const from = size.length + i * SAMPLE_BYTES;
      const offset = Math.floor((i * (bytes - SAMPLE_BYTES)) / (SAMPLES - 1));
      await file.read(offset, samples.subarray(from, from + SAMPLE_BYTES));
    }
  } finally {
    await file.close();
  }
  return `sampled-sha256:${sha256(samples)}`;
}
