import { basename, join } from 'node:path';
import { hashFile, makeFolder } from '../io/files.js';
import { adapterSpecs, initAdapter, type Linears } from '../lora/adapter.js';
import type { LoraOptions } from '../lora/options.js';
import { writeAdapter } from '../lora/peft-files.js';
import type { Saved } from '../train/outcome.js';
import { adapterSeed } from '../train/stage-weights.js';

/** What the first adapter of a run is drawn for. */
export interface FirstAdapter {
  readonly lora: LoraOptions;
  readonly linears: Linears;
  /** Of the run. */
  readonly seed: number;
  /** The base model, as its files name it. */
  readonly base: string;
}

/** Writes the adapter that `train` begins its first stage with, to the byte. */
export async function writeFirstAdapter(folder: string, { lora, linears, seed, base }: FirstAdapter): Promise<Saved> {
  const tensors = new Map(initAdapter(adapterSpecs(linears, lora), adapterSeed(seed, 1)));
  await makeFolder(folder);
  await writeAdapter(folder, { options: lora, tensors }, linears, { name: base });
  return { path: basename(folder), sha256: await hashFile(join(folder, 'adapter_model.safetensors')) };
}
