import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What was made for these checks: packages of Python, and results. */
export const CACHE = at('../../node_modules/.cache/card');

const REQUIREMENTS = at('requirements.txt');
const CANDIDATES = ['python3.12', 'python3.13', 'python3'];
const IS_NEW_ENOUGH = 'import sys, venv; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 13))';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/**
 * A Python that has the packages of requirements.txt: the one that PHASETUNE_CARD_PYTHON names, or one in a virtual
 * environment, which is made the first time (2.5 GB). Throws with what is missing.
 */
export function cardPython(): string {
  const given = process.env.PHASETUNE_CARD_PYTHON;
  if (given) return given;
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  const [folder, ready] = [join(CACHE, 'venv'), join(CACHE, 'venv-ready')];
  const python = join(folder, 'bin', 'python');
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return python;
  const base = CANDIDATES.find((command) => spawnSync(command, ['-c', IS_NEW_ENOUGH]).status === 0);
  if (!base)
    throw new Error(
      'check:card needs Python 3.12 or 3.13 with its venv module on the PATH, or PHASETUNE_CARD_PYTHON, the path of a Python that has the packages of scripts/card/requirements.txt',
    );
  say('making a virtual environment with TensorFlow and JAX (once; 2.5 GB)');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  for (const [command, args] of [
    [base, ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]],
  ] as const) {
    const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  }
  writeFileSync(ready, wanted);
  return python;
}

/** What a script printed on its last line, or why it gave nothing. */
export type Answer<T> = { readonly value: T } | { readonly problem: string };

/** Runs one of the Python scripts beside this file, and reads the JSON on the last line of its standard output. */
export async function runScript<T>(python: string, script: string, args: readonly string[]): Promise<Answer<T>> {
  const child = spawn(python, [at(script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-20_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code === 0) return { value: JSON.parse(out.trimEnd().split('\n').at(-1)!) as T };
  const said = err.split('\n').filter((line) => line.trim() !== '' && !/^[IW]\d{4} |^WARNING: All log/.test(line));
  return { problem: said.slice(-3).join('\n') || `${script} ended with ${code}` };
}
