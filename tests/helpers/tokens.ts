import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { cacheHome } from '../../src/backend/native/home.js';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Folder of the committed tokenizer. */
export const TINY = at('models/tiny-llama');

/** Folder of the imported SmolLM2-135M-Instruct: PHASETUNE_TEST_SMOLLM2, else where the demo puts it. */
export const SMOLLM2 = process.env.PHASETUNE_TEST_SMOLLM2 ?? join(cacheHome(), 'models/SmolLM2-135M-Instruct');

/** A file of other people's rows beside the repository. */
export const realData = (name: string): string => at(`../shared/data/${name}`);

/** Skips a test, and says why, where files that it needs are not on this machine. */
export function needs(context: TestContext, ...paths: string[]): void {
  const missing = paths.filter((path) => !existsSync(path));
  context.skip(missing.length > 0, `not on this machine: ${missing.join(', ')}`);
}
