import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from '../core/errors.js';

/** True when two paths lead to one file or folder, by whatever links, or are the same path of what is not there. */
async function isSameFile(first: string, second: string): Promise<boolean> {
  const [one, other] = await Promise.all([idOf(first), idOf(second)]);
  if (one !== undefined || other !== undefined) return one === other;
  return (await realPath(first)) === (await realPath(second));
}

/** True when `path` is `folder` or in it, by whatever links. */
async function isInside(folder: string, path: string): Promise<boolean> {
  let current = await realPath(path);
  for (;;) {
    if (await isSameFile(folder, current)) return true;
    const above = dirname(current);
    if (above === current) return false;
    current = above;
  }
}

/** What the file system calls a file, whatever its names are. */
async function idOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && `${stats.dev}:${stats.ino}`;
}

/** A path without links, also of what is not there yet. */
async function realPath(path: string): Promise<string> {
  const whole = resolve(path);
  const real = await realpath(whole).catch(() => undefined);
  if (real !== undefined) return real;
  const above = dirname(whole);
  return above === whole ? whole : join(await realPath(above), basename(whole));
}

/**
 * Throws a usage error where `out`, or a file that is written beside it, is one of the files that
 * are read, by whatever name: another spelling of its path, a link to it, a linked folder.
 */
export async function refuseInputs(
  { out, beside = [] }: { readonly out: string; readonly beside?: readonly string[] },
  inputs: readonly string[],
): Promise<void> {
  for (const path of [out, ...beside])
    for (const input of inputs) {
      if ((await idOf(input)) === undefined || !(await isSameFile(path, input))) continue;
      const what =
        path === out ? `${out} is the file that is read` : `${path} is written beside ${out}, and it is read`;
      const name = resolve(path) === resolve(input) ? '' : ` (it is ${input} by another name)`;
      throw refusal(`${what}${name}`, path, 'choose another file');
    }
}

/**
 * Throws a usage error where one of the files and folders that are read is, or is in, the folder
 * `out`, which is replaced as a whole.
 */
export async function refuseInputsIn(out: string, inputs: readonly string[]): Promise<void> {
  for (const input of inputs)
    if ((await idOf(input)) !== undefined && (await isInside(out, input)))
      throw refusal(`${input}, which is read, is in ${out}, which is replaced`, input, 'choose another folder');
}

/** Throws a usage error where `out` would be written into one of the folders that are read. */
export async function refuseInside(out: string, folders: readonly string[]): Promise<void> {
  for (const folder of folders)
    if ((await idOf(folder)) !== undefined && (await isInside(folder, out)))
      throw refusal(`${out} is in ${folder}, which is read`, out, 'choose another place');
}

const refusal = (problem: string, file: string, advice: string) =>
  usageError(`\`out\`: ${problem}`, { option: 'out', file, remedies: [{ advice }] });
