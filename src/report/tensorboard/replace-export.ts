import { join } from 'node:path';
import { usageError } from '../../core/errors.js';
import { isLeftover, removeLeftovers, writeFileAtomic } from '../../io/atomic.js';
import { listFolder, readHead, remove, statPath } from '../../io/files.js';
import { openResumable } from '../../io/resumable.js';
import { isExportName } from '../../tensorboard/event-files.js';

/** An event file to write. */
export interface ExportFile {
  /** The folder to export to, or one in it. */
  readonly folder: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes the files of an export to `out` in place of those of an earlier one. A file that has only
 * grown is continued, so that a TensorBoard that reads it continues. Throws a usage error where `out` holds
 * anything else, before anything is written.
 */
export async function replaceExport(out: string, files: readonly ExportFile[]): Promise<void> {
  const before = await exported(out);
  if ((await statPath(out)).kind === 'folder') await removeLeftovers(out);
  for (const { folder, name, bytes } of files) await writeFile(join(folder, name), bytes);
  const written = new Set(files.map(({ folder, name }) => join(folder, name)));
  for (const path of before) if (!written.has(path)) await remove(path);
}

/** Files of an earlier export in a folder and those in it. */
async function exported(out: string, inside = false): Promise<string[]> {
  const { kind } = await statPath(out);
  if (kind === 'missing') return [];
  if (kind !== 'folder')
    throw usageError(`${out} is a file; expected a folder to export to`, { file: out, option: 'out' });
  const found: string[] = [];
  for (const name of await listFolder(out)) {
    const path = join(out, name);
    const { kind } = await statPath(path);
    if (kind === 'file' && isExportName(name)) found.push(path);
    else if (kind === 'folder' && !inside) found.push(...(await exported(path, true)));
    else if (!isLeftover(name))
      throw usageError(`${path} is no part of an export; what is in the folder would be shown with it`, {
        file: path,
        option: 'out',
        remedies: [{ option: 'out', change: 'set', note: 'to another folder' }],
      });
  }
  return found;
}

async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  const { kind, bytes: size } = await statPath(path);
  const isStart =
    kind === 'file' &&
    size <= bytes.length &&
    Buffer.compare(await readHead(path, size), bytes.subarray(0, size)) === 0;
  if (!isStart) return writeFileAtomic(path, bytes);
  if (size === bytes.length) return;
  const file = await openResumable(path);
  await file.append(bytes.subarray(size)).finally(() => file.close());
}
