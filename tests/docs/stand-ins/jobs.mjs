import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// Jobs of a cluster that is this machine: they outlive who submitted them. A job is a folder with its log, the number of
// its process, and its exit status once it has ended.

/** Starts a shell command as a job. */
export function startJob(folder, command, environment = process.env) {
  mkdirSync(folder, { recursive: true });
  const log = openSync(join(folder, 'log'), 'a');
  // The shell waits for the command although both are asked to stop.
  const script = `trap : TERM\nsh -c "$1"\nstatus=$?\necho $status > "$2.tmp"; mv "$2.tmp" "$2"`;
  const child = spawn('sh', ['-c', script, 'job', command, join(folder, 'status')], {
    detached: true,
    env: environment,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  writeFileSync(join(folder, 'pid'), String(child.pid));
  child.unref();
}

/** Exit status of a job; undefined while it runs. */
export const statusOf = (folder) =>
  existsSync(join(folder, 'status')) ? Number(readFileSync(join(folder, 'status'), 'utf8')) : undefined;

/** Prints what a job prints until it has ended; returns its status. */
export async function followJob(folder) {
  for (let shown = 0; ; await sleep(50)) {
    const status = statusOf(folder);
    const text = readFileSync(join(folder, 'log'), 'utf8');
    process.stdout.write(text.slice(shown));
    shown = text.length;
    if (status !== undefined) return status;
  }
}

/** Asks a job to stop, and waits until it has. */
export async function stopJob(folder) {
  writeFileSync(join(folder, 'stopped'), '');
  if (statusOf(folder) === undefined) process.kill(-Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM');
  while (statusOf(folder) === undefined) await sleep(50);
}

export const wasStopped = (folder) => existsSync(join(folder, 'stopped'));
