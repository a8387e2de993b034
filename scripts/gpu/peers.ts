import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** How to get the Python that the peer needs. */
export const HOW_TO_GET =
  'make one with `python3 -m venv peers && peers/bin/pip install torch transformers peft`, and name it by `--peer-python peers/bin/python` or PHASETUNE_PEER_PYTHON';

/** A Python whose PyTorch sees the card and that has transformers and PEFT; otherwise why there is none. */
export function findPeer(named: string | undefined, env: NodeJS.ProcessEnv): { python: string } | { why: string } {
  const python = named ?? env.PHASETUNE_PEER_PYTHON ?? 'python3';
  const source = 'import torch, transformers, peft; print("card" if torch.cuda.is_available() else "no card")';
  const { stdout, stderr, error } = spawnSync(python, ['-c', source], { encoding: 'utf8', env, timeout: 120_000 });
  if (stdout?.trim().endsWith('no card')) return { why: `PyTorch of ${python} sees no card` };
  if (stdout?.trim() === 'card') return { python };
  const said = error?.message ?? stderr?.trim().split('\n').at(-1) ?? 'it says nothing';
  return { why: `${python} does not do (${said}): ${HOW_TO_GET}` };
}

/** Command line of the peer's step. */
export const peerCommand = (root: string, args: readonly string[]): string[] => [
  join(root, 'scripts/bench/peers/peft_step.py'),
  '--device',
  'cuda',
  ...args,
];
