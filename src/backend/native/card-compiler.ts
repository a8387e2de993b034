import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lastLine, runChild } from './child.js';
import type { Problem } from './detect.js';
import type { RuntimePaths } from './paths.js';

/**
 * What `--xla` lacks on a card. XLA brings its own compiler but NVIDIA's assembler and device library, which it looks for in
 * `nvidia/cuda_nvcc` beside the library's folder (and before that in /usr/local/cuda).
 */
export async function cardCompilerProblem(
  { root }: Pick<RuntimePaths, 'root'>,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Problem | undefined> {
  const toolkit = join(root, 'nvidia', 'cuda_nvcc');
  const [assembler, library] = [join(toolkit, 'bin', 'ptxas'), join(toolkit, 'nvvm', 'libdevice', 'libdevice.10.bc')];
  const lacking = (why: string): Problem => ({
    what: `--xla would find nothing to compile with for the card (${why}); everything else works`,
    fix: `delete ${root} and run \`phasetune setup --cuda\``,
  });
  const missing = [assembler, library].filter((path) => !existsSync(path));
  if (missing.length > 0) return lacking(`${missing.join(' and ')} missing`);
  const answer = await runChild(assembler, ['--version'], { env, timeoutMs: 20_000, signal });
  if (answer?.code === 0) return undefined;
  return lacking(`${assembler} cannot be run${answer ? `: ${lastLine(answer.stderr) || answer.killedBy}` : ''}`);
}
