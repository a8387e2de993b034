import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM, ROOT } from './program.js';

/** A page of the documentation whose commands are run as a reader would run them. */
export interface Guide {
  /** The page's blocks of commands, as printed. */
  readonly blocks: readonly string[];
  /** A path in the folder in which the commands run. */
  at(...path: string[]): string;
  /** Runs a script there, as a user's shell would; `said` is both streams together. */
  shell(script: string): Promise<{ readonly code: number | null; readonly said: string }>;
  close(): Promise<void>;
}

/**
 * Makes an empty folder in which `npx phasetune` is the program under test and `models` are the repository's. Commands
 * see `variables` besides those that every shell has.
 */
export async function openGuide(page: string, variables: Readonly<Record<string, string>> = {}): Promise<Guide> {
  const folder = await mkdtemp(join(tmpdir(), 'phasetune-guide-'));
  const at = (...path: string[]) => join(folder, ...path);
  await mkdir(at('bin'));
  await symlink(join(ROOT, 'models'), at('models'));
  const program = [process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ');
  await writeFile(at('bin/npx'), `#!/bin/sh\n[ "$1" = phasetune ] || exit 127\nshift\nexec ${program} "$@"\n`, {
    mode: 0o755,
  });
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  return {
    blocks: [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!),
    at,
    async shell(script) {
      const { PATH, HOME, PHASETUNE_HOME = '' } = process.env;
      const env = { ...variables, PATH: `${at('bin')}:${PATH}`, HOME, ...(PHASETUNE_HOME && { PHASETUNE_HOME }) };
      const child = spawn('sh', ['-exc', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (out) => (said += out));
      const [code] = await once(child, 'close');
      return { code, said };
    },
    close: () => rm(folder, { recursive: true }),
  };
}
