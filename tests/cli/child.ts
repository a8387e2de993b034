import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Root folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** How a command line ended and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Settings of {@link start}. */
interface StartOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Starts a TypeScript or JavaScript entry of the repository in a process of its own. */
export function start(entry: string, args: readonly string[], { env = {}, cwd = ROOT }: StartOptions = {}) {
  const loader = entry.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PHASETUNE_')));
  const child = spawn(process.execPath, [...loader, ROOT + entry, ...args], { cwd, env: { ...clean, ...env } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  child.stdin.end();
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  return { child, ended };
}

/** The object on the last line of standard output, which `--json` promises to be JSON. */
export const lastJson = (out: string): Record<string, unknown> => JSON.parse(out.trimEnd().split('\n').at(-1)!);
