import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../../../src/study/render/job.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { expanded } from '../../helpers/kubernetes.js';
import { FAKE_CELL } from '../fake.js';

/** A folder for `PATH` in which `phasetune ablate cell` only pretends to train. */
export function fakePhasetune(): string {
  const bin = join(temporaryFolder('pod'), 'bin');
  mkdirSync(bin);
  const program = FAKE_CELL.map((word) => `'${word}'`).join(' ');
  const script = `#!/bin/sh\n[ "$1 $2" = 'ablate cell' ] || exit 64\nshift 2\nexec ${program} "$@"\n`;
  writeFileSync(join(bin, 'phasetune'), script, { mode: 0o755 });
  return bin;
}

/**
 * Starts the container of one completion of a Job here, as a kubelet would, with `bin` first in its `PATH`, and the
 * variables that its image sets.
 */
export function startPod({ spec }: Job, completion: number, bin: string, image: NodeJS.ProcessEnv = {}) {
  const { command, env = [] } = spec.template.spec.containers[0]!;
  const [program, ...args] = command.map((word) => expanded(word));
  const given = Object.fromEntries(env.map(({ name, value }) => [name, expanded(value)]));
  const child = spawn(program!, args, {
    cwd: '/',
    env: { ...image, PATH: `${bin}:${process.env.PATH}`, JOB_COMPLETION_INDEX: String(completion), ...given },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = once(child, 'close').then(([status, signal]) => ({ status, signal, said }));
  return { child, ended };
}
