import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lastLine, runChild } from './child.js';
import type { Problem } from './detect.js';
import type { RuntimePaths } from './paths.js';

/**
 * What XLA is missing on a card. It brings its own compiler except for NVIDIA's assembler and
 * device library, which it looks for in `nvidia/cuda_nvcc` beside the library's folder (and before
 * that in /usr/local/cuda).
 */
export async function cardCompilerProblem(
  { root }: Pick<RuntimePaths, 'root'>,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Problem | undefined> {
  const toolkit = join(root, 'nvidia', 'cuda_nvcc');
  const [assembler, library] = [join(toolkit, 'bin', 'ptxas'), join(toolkit, 'nvvm', 'libdevice', 'libdevice.10.bc')];
  const problem = (why: string): Problem => ({
    what: `XLA finds nothing to compile with for the card (${why}); only \`compile: none\` works`,
    remedy: { task: 'setup', options: { cuda: true }, note: `after deleting ${root}` },
  });
  const missing = [assembler, library].filter((path) => !existsSync(path));
  if (missing.length > 0) return problem(`${missing.join(' and ')} missing`);
  const answer = await runChild(assembler, ['--version'], { env, timeoutMs: 20_000, signal });
  if (answer?.code === 0) return undefined;
  return problem(`${assembler} cannot be run${answer ? `: ${lastLine(answer.stderr) || answer.killedBy}` : ''}`);
}
