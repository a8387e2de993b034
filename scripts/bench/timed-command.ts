import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What a command took. */
export interface TimedCommand {
  readonly code: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMib: number;
  /** The line of JSON that it printed last. */
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own
  readonly json: any;
}

/** A command of the built program in a process of its own; its peak of memory is read from the system until it ends. */
export async function timedCommand(...args: readonly string[]): Promise<TimedCommand> {
  const start = performance.now();
  const child = spawn(process.execPath, [`${ROOT}dist/cli/main.js`, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let [peak, cpu] = [0, 0];
  const watch = setInterval(() => {
    if (child.exitCode !== null) return;
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    peak = Math.max(peak, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    // Fields 14 and 15 of proc_pid_stat(5), in hundredths of a second; the second field may hold spaces.
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    cpu = (Number(fields[11]) + Number(fields[12])) / 100;
  }, 100);
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  const [code] = await once(child, 'close');
  clearInterval(watch);
  const json = JSON.parse(text.trim().split('\n').at(-1)!);
  const seconds = (performance.now() - start) / 1000;
  return { code, seconds: round(seconds), cpuSeconds: round(cpu), peakRssMib: Math.ceil(peak), json };
}

const round = (value: number) => Math.round(value * 100) / 100;
