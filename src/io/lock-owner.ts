import { readFile, readlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import process from 'node:process';
import * as z from 'zod';
import { tryParseJson } from '../core/json-text.js';

/** Schema of a lock file: the process that holds it. What a system does not report (all except Linux) is absent. */
const ownerSchema = z.looseObject({
  schema: z.literal('phasetune/lock'),
  version: z.literal(1),
  pid: z.number().int().min(1),
  host: z.string(),
  /** Start of the process in clock ticks since boot: another process that was given the same number has another. */
  processStart: z.string().optional(),
  /** Identity of the boot, and of the process numbers' namespace (a container has its own). */
  boot: z.string().optional(),
  namespace: z.string().optional(),
  /** When the lock was taken, ISO 8601. */
  since: z.string(),
  /** What the process does, for people. */
  command: z.string().optional(),
  /** Random: distinguishes this lock from any other ever taken. */
  token: z.string().regex(/^[0-9a-f]{24}$/),
});

/** Who holds, or held, a lock; see `ownerSchema`. */
export type LockOwner = z.infer<typeof ownerSchema>;

/** The owner in a lock file's text; undefined when it has none. */
export function parseOwner(text: string): LockOwner | undefined {
  return ownerSchema.safeParse(tryParseJson(text)).data;
}

/** This process as the owner of a lock. */
export async function thisOwner(token: string, command?: string): Promise<LockOwner> {
  const [stat, boot, namespace] = await Promise.all([
    processStat(process.pid),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim(), nothing),
    readlink('/proc/self/ns/pid').catch(nothing),
  ]);
  return {
    schema: 'phasetune/lock',
    version: 1,
    pid: process.pid,
    host: hostname(),
    ...(stat && { processStart: stat.start }),
    ...(boot && { boot }),
    ...(namespace && { namespace }),
    since: new Date().toISOString(),
    ...(command !== undefined && { command }),
    token,
  };
}

/** A lock that is not refreshed for so long is free where its owner's process cannot be looked at. */
export const SILENT_MS = 120_000;

/** State of an owner: `here` its process lives on this machine, `away` it may live on another, `gone` it is dead. */
export type Standing = 'here' | 'away' | 'gone';

/**
 * Tells whether an owner still lives. On this machine its process decides, however long it was
 * silent. Elsewhere (another host, or a container whose processes cannot be seen) `silentMs`, the
 * time since the last sign of life, does.
 */
export async function standingOf(owner: LockOwner, me: LockOwner, silentMs: number): Promise<Standing> {
  const away = silentMs < SILENT_MS ? 'away' : 'gone';
  if (owner.host !== me.host) return away;
  // Hosts may share a name. Only what was silent since before this one started must have been itself, before.
  if (owner.boot !== me.boot) return silentMs > uptime() * 1000 ? 'gone' : away;
  if (owner.namespace !== me.namespace) return away;
  return (await lives(owner)) ? 'here' : 'gone';
}

async function lives({ pid, processStart }: LockOwner): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const stat = await processStat(pid);
  if (!stat) return true;
  const dead = stat.state === 'Z' || stat.state === 'X';
  return !dead && (processStart === undefined || stat.start === processStart);
}

/** State and start of a process, from Linux's /proc: fields 3 and 22 of proc_pid_stat(5). */
async function processStat(pid: number): Promise<{ state: string; start: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(nothing);
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] && fields[19] ? { state: fields[0], start: fields[19] } : undefined;
}

const nothing = () => undefined;
