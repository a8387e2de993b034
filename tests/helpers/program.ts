import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** True when the build, which `npm test` makes, is younger than every source. */
export function isBuilt(): boolean {
  const stamp = join(ROOT, 'dist/.source-hash');
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources.every((path) => statSync(join(ROOT, 'src', path)).mtimeMs < built);
}

/**
 * Arguments of Node that run `phasetune`: the build where it is up to date, else the sources
 * through tsx, which takes 0.7 s of processor time more for each process.
 */
export const PROGRAM: readonly string[] = isBuilt()
  ? [join(ROOT, 'dist/cli/main.js')]
  : ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/main.ts')];
