import { env as processEnv } from 'node:process';
import type { MemoryLimit } from '../io/memory-limits.js';
import { runChild } from './native/child.js';
import { findCard } from './native/detect.js';

/** True where there is an NVIDIA card to be seen. */
export const isCardThere = async (env: NodeJS.ProcessEnv = processEnv): Promise<boolean> =>
  (await findCard(env)) !== undefined;

/**
 * What the card that computes has free, by its driver's own tool: the first of `CUDA_VISIBLE_DEVICES`, or of all.
 * Undefined where that does not say.
 */
export async function cardMemory(env: NodeJS.ProcessEnv = processEnv): Promise<MemoryLimit | undefined> {
  const [card = '0'] = (env.CUDA_VISIBLE_DEVICES ?? '').split(',').filter((each) => each.trim() !== '');
  const query = ['--query-gpu=memory.free,memory.total', '--format=csv,noheader,nounits', `--id=${card.trim()}`];
  const answer = await runChild('nvidia-smi', query, { env, timeoutMs: 20_000 });
  const [free, total] = (answer?.code === 0 ? answer.stdout : '')
    .split('\n')[0]!
    .split(',')
    .map((mebibytes) => Number.parseInt(mebibytes, 10) * 2 ** 20);
  return free! > 0 && total! > 0 ? { bytes: free!, by: 'card', of: total! } : undefined;
}
