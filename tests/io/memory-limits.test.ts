import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryLimits } from '../../src/io/memory-limits.js';
import { temporaryFolder } from '../helpers/folder.js';

const GIB = 2 ** 30;
const bytes = (gib: number) => `${gib * GIB}\n`;
const kb = (gib: number) => `${(gib * GIB) / 1024} kB`;

/** The kernel's "no limit" of the first version. */
const NONE = '9223372036854771712\n';

/**
 * A machine of 64 GiB, 40 of them free, with a process that holds one of 3 GiB mapped; `files` are
 * those of its control groups.
 */
function machine(files: Readonly<Record<string, string>> = {}, addressSpace = 'unlimited'): string {
  const root = temporaryFolder('machine');
  const all = {
    'proc/meminfo': `MemTotal:       ${kb(64)}\nMemFree:        ${kb(1)}\nMemAvailable:   ${kb(40)}\n`,
    'proc/self/status': `Name:\tnode\nVmPeak:\t ${kb(4)}\nVmSize:\t ${kb(3)}\nVmRSS:\t ${kb(1)}\n`,
    'proc/self/limits': `Limit                     Soft Limit           Hard Limit           Units\nMax address space         ${addressSpace}            unlimited            bytes\n`,
    ...files,
  };
  for (const [name, contents] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), contents);
  }
  return root;
}

const V2 = 'sys/fs/cgroup';
const V1 = 'sys/fs/cgroup/memory';
const mounted = (line: string) => ({ 'proc/self/mountinfo': `22 1 8:1 / / rw - ext4 /dev/sda1 rw\n${line}\n` });
const mountV2 = (top = '/') =>
  mounted(`30 23 0:26 ${top} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate`);
const mountV1 = (top = '/') =>
  mounted(
    `32 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n35 31 0:32 ${top} /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory`,
  );
const groupV2 = (group: string) => ({ 'proc/self/cgroup': `0::${group}\n` });
const groupV1 = (group: string) => ({
  'proc/self/cgroup': `9:name=systemd:/\n4:memory:${group}\n1:cpu,cpuacct:/\n0::/\n`,
});

const cgroup = (root: string) => memoryLimits(root).find(({ by }) => by === 'cgroup')?.bytes;

test('a machine without limits: what is free, and what the process has', () => {
  expect(memoryLimits(machine())).toEqual([{ bytes: 41 * GIB, by: 'machine', of: 64 * GIB }]);
});

test.each([
  [
    'the own group',
    {
      ...mountV2(),
      ...groupV2('/a.slice/job'),
      [`${V2}/a.slice/job/memory.max`]: bytes(8),
      [`${V2}/a.slice/memory.max`]: 'max\n',
    },
    8,
  ],
  [
    'a group around it',
    {
      ...mountV2(),
      ...groupV2('/a.slice/job'),
      [`${V2}/a.slice/job/memory.max`]: 'max\n',
      [`${V2}/a.slice/memory.max`]: bytes(6),
    },
    6,
  ],
  [
    'the lower of two',
    { ...mountV2(), ...groupV2('/a/b'), [`${V2}/a/b/memory.max`]: bytes(9), [`${V2}/a/memory.max`]: bytes(7) },
    7,
  ],
  [
    'where it is slowed down',
    { ...mountV2(), ...groupV2('/a'), [`${V2}/a/memory.max`]: 'max\n', [`${V2}/a/memory.high`]: bytes(5) },
    5,
  ],
  ['a container with a namespace', { ...mountV2(), ...groupV2('/'), [`${V2}/memory.max`]: bytes(4) }, 4],
  [
    'a container of which its part is mounted',
    { ...mountV2('/docker/x'), ...groupV2('/docker/x'), [`${V2}/memory.max`]: bytes(3) },
    3,
  ],
  [
    'a group below that',
    {
      ...mountV2('/docker/x'),
      ...groupV2('/docker/x/y'),
      [`${V2}/memory.max`]: 'max\n',
      [`${V2}/y/memory.max`]: bytes(2),
    },
    2,
  ],
  ['a group that is not seen', { ...mountV2(), ...groupV2('/../other'), [`${V2}/memory.max`]: bytes(2) }, 2],
  ['no limit', { ...mountV2(), ...groupV2('/a'), [`${V2}/a/memory.max`]: 'max\n' }, undefined],
  ['no files', { ...mountV2(), ...groupV2('/a') }, undefined],
])('control groups of the second version: %s', (_, files, gib) => {
  expect(cgroup(machine(files))).toBe(gib === undefined ? undefined : gib * GIB);
});

test.each([
  [
    'the own group',
    {
      ...mountV1(),
      ...groupV1('/job'),
      [`${V1}/job/memory.limit_in_bytes`]: bytes(8),
      [`${V1}/memory.limit_in_bytes`]: NONE,
    },
    8,
  ],
  [
    'a group around it',
    {
      ...mountV1(),
      ...groupV1('/a/job'),
      [`${V1}/a/job/memory.limit_in_bytes`]: NONE,
      [`${V1}/a/memory.limit_in_bytes`]: bytes(6),
    },
    6,
  ],
  [
    'one that is not seen',
    {
      ...mountV1('/docker/x'),
      ...groupV1('/docker/x'),
      [`${V1}/memory.limit_in_bytes`]: NONE,
      [`${V1}/memory.stat`]: `cache 1\nhierarchical_memory_limit ${5 * GIB}\nrss 2\n`,
    },
    5,
  ],
  [
    'no limit',
    {
      ...mountV1(),
      ...groupV1('/job'),
      [`${V1}/job/memory.limit_in_bytes`]: NONE,
      [`${V1}/job/memory.stat`]: `hierarchical_memory_limit ${NONE}`,
    },
    undefined,
  ],
])('control groups of the first version: %s', (_, files, gib) => {
  expect(cgroup(machine(files))).toBe(gib === undefined ? undefined : gib * GIB);
});

test('both versions beside each other: the one that has memory', () => {
  const both = {
    'proc/self/mountinfo': `${mountV1()['proc/self/mountinfo']}${mountV2()['proc/self/mountinfo'].replace('/sys/fs/cgroup rw', '/sys/fs/cgroup/unified rw')}`,
  };
  expect(cgroup(machine({ ...both, ...groupV1('/job'), [`${V1}/job/memory.limit_in_bytes`]: bytes(8) }))).toBe(8 * GIB);
});

test('a folder with blanks', () => {
  const files = {
    ...mounted('30 23 0:26 / /my\\040groups rw - cgroup2 none rw'),
    ...groupV2('/a'),
    'my groups/a/memory.max': bytes(2),
  };
  expect(cgroup(machine(files))).toBe(2 * GIB);
});

test('ulimit -v: what is left of the address space, with what is held', () => {
  const limits = memoryLimits(machine({}, String(6 * GIB)));
  expect(limits[0]).toEqual({ bytes: 4 * GIB, by: 'ulimit', of: 6 * GIB });
});

test('the least comes first, and none where the system reports nothing', () => {
  const files = { ...mountV2(), ...groupV2('/'), [`${V2}/memory.max`]: bytes(16) };
  expect(memoryLimits(machine(files, String(6 * GIB))).map(({ by }) => by)).toEqual(['ulimit', 'cgroup', 'machine']);
  expect(memoryLimits(temporaryFolder('nothing'))).toEqual([]);
});

test('this machine reports what it has', () => {
  const [least] = memoryLimits();
  if (process.platform === 'linux') expect(least!.bytes).toBeGreaterThan(0);
});
