import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How much memory this process may use, and what sets the limit. */
export interface MemoryLimit {
  readonly bytes: number;
  /** What the machine has free, its control group (a container, a service, a job), `ulimit`, or a card. */
  readonly by: 'machine' | 'cgroup' | 'ulimit' | 'card';
  /**
   * Of the machine and of a card: all that it has. Of the others: the limit itself, where a part of it is taken
   * by what is no memory of ours.
   */
  readonly of: number;
}

/**
 * Limits at least as high as this are none: the kernel's "no limit" of the first control groups is
 * 2^63 less a page.
 */
const UNLIMITED = 2 ** 60;

const KIB = 2 ** 10;

/** The contents of a file of the kernel's; undefined where there is none. */
function text(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

const kib = (from: string, field: string): number | undefined => {
  const kilobytes = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(from)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * KIB;
};

/**
 * All limits of this process's memory that the system reports, the least first; empty where it
 * reports none (everywhere except on Linux). `root` is where the system's files are.
 */
export function memoryLimits(root = '/'): MemoryLimit[] {
  const status = text(root, 'proc/self/status') ?? '';
  const held = kib(status, 'VmRSS') ?? 0;
  const limits = [machineLimit(root, held), cgroupLimit(root), addressLimit(root, status, held)];
  return limits.filter((limit) => limit !== undefined).sort((x, y) => x.bytes - y.bytes);
}

/** What can be had without swapping, and what this process has already. */
function machineLimit(root: string, held: number): MemoryLimit | undefined {
  const info = text(root, 'proc/meminfo') ?? '';
  const [total, available] = [kib(info, 'MemTotal'), kib(info, 'MemAvailable')];
  if (total === undefined) return undefined;
  return { bytes: Math.min(total, (available ?? total) + held), by: 'machine', of: total };
}

/** The address space that is left, with what is held in memory already: not all that is mapped is in memory. */
function addressLimit(root: string, status: string, held: number): MemoryLimit | undefined {
  const limit = Number(/^Max address space\s+(\d+)/m.exec(text(root, 'proc/self/limits') ?? '')?.[1] ?? Number.NaN);
  const mapped = kib(status, 'VmSize');
  if (!(limit < UNLIMITED) || mapped === undefined) return undefined;
  return { bytes: Math.max(0, limit - mapped + held), by: 'ulimit', of: limit };
}

/** A mounted hierarchy of control groups that may limit memory. */
interface Hierarchy {
  /** Its folder, and the group that is seen there. */
  readonly mount: string;
  readonly top: string;
  /** The process's own group. */
  readonly group: string;
  readonly files: readonly string[];
}

/** Files with a limit, of the second and of the first version of control groups. */
const LIMIT_FILES = { cgroup2: ['memory.max', 'memory.high'], cgroup: ['memory.limit_in_bytes'] } as const;

/**
 * The least limit of the process's group and of all groups around it, in either version:
 * `process.constrainedMemory()` looks at the own group only, and is 2^64 or 2^63 where there is no
 * limit.
 */
function cgroupLimit(root: string): MemoryLimit | undefined {
  const limits = hierarchies(root).flatMap(({ files, ...place }) =>
    foldersUp(place).flatMap((folder) => [
      ...files.map((file) => limitIn(text(root, join(folder, file)))),
      hierarchicalLimit(text(root, join(folder, 'memory.stat'))),
    ]),
  );
  const least = limits.reduce((x, y) => Math.min(x, y), Number.POSITIVE_INFINITY);
  return least < UNLIMITED ? { bytes: least, by: 'cgroup', of: least } : undefined;
}

/**
 * Folders of a group and of all around it, up to the one that is mounted. A group that is not below
 * that one is not seen.
 */
function foldersUp({ mount, top, group }: Omit<Hierarchy, 'files'>): string[] {
  const base = top === '/' ? '' : top;
  const below = `${group}/`.startsWith(`${base}/`) ? group.slice(base.length).split('/').filter(Boolean) : [];
  return Array.from({ length: below.length + 1 }, (_, n) => join(mount, ...below.slice(0, below.length - n)));
}

function hierarchies(root: string): Hierarchy[] {
  const groups = (text(root, 'proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return controllers === undefined ? [] : [{ controllers: controllers.split(','), group: group! }];
  });
  return (text(root, 'proc/self/mountinfo') ?? '').split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , top, mount] = before.split(' ').map(unescaped);
    const [type, , options = ''] = after.split(' ');
    if ((type !== 'cgroup' && type !== 'cgroup2') || top === undefined || mount === undefined) return [];
    if (type === 'cgroup' && !options.split(',').includes('memory')) return [];
    const controller = type === 'cgroup' ? 'memory' : '';
    const ownGroup = groups.find(({ controllers }) => controllers.includes(controller));
    return ownGroup ? [{ mount, top, group: ownGroup.group, files: LIMIT_FILES[type] }] : [];
  });
}

/** Blanks and other separators are octal numbers there. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** `max`, no file and what is not a number are no limit. */
function limitIn(contents: string | undefined): number {
  const value = /^\d+\s*$/.test(contents ?? '') ? Number(contents) : Number.POSITIVE_INFINITY;
  return value < UNLIMITED ? value : Number.POSITIVE_INFINITY;
}

/** What the first version says of all groups around, also those that are not seen from inside a container. */
const hierarchicalLimit = (contents: string | undefined): number =>
  limitIn(/^hierarchical_memory_limit (\d+)$/m.exec(contents ?? '')?.[1]);
