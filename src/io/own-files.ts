import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { dataError } from '../core/errors.js';
import { copyFile, fileError, statPath } from './files.js';

/**
 * The path of a file in a model's or an adapter's folder, checked to be a file of that folder: a
 * plain one, or a link to a plain one that stays inside. A folder of the Hugging Face cache
 * (`models--ORG--NAME/snapshots/REVISION`) may link into its own `models--ORG--NAME`, where that
 * cache keeps the contents (`blobs`). A link to anywhere else is refused, so that a folder from
 * somebody else cannot make us read, or copy into a new model, what is outside it; so are pipes and
 * devices, on which reading might never end. The folder itself may be a link: naming it is the
 * user's choice. Undefined where nothing of that name is there.
 */
export async function ownFile(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  const nothing = (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw fileError('read', path, cause);
  };
  if (!(await lstat(path).catch(nothing))) return undefined;
  const real = await realpath(path).catch((cause) => {
    throw dataError(`${path}: a link that leads to nothing; put the file itself there`, { file: path }, cause);
  });
  const home = homeOf(await realpath(folder));
  if (!real.startsWith(home.endsWith(sep) ? home : home + sep))
    throw dataError(
      `${path} is a link out of its folder, to ${real}, and is not followed; put the file itself there, or give the folder that it is in`,
      { file: path },
    );
  const { kind } = await statPath(path);
  if (kind !== 'file')
    throw dataError(`${path}: expected a plain file, found ${kind === 'folder' ? 'a folder' : 'a pipe or device'}`, {
      file: path,
    });
  return path;
}

/** Copies a file of a folder, under its name, into another; refused as by {@link ownFile}. */
export async function copyOwnFile(from: string, name: string, to: string): Promise<void> {
  await copyFile((await ownFile(from, name)) ?? join(from, name), join(to, name));
}

/**
 * The folder that links may not leave: the folder itself, or the model's place in the Hugging Face
 * cache that it is in.
 */
function homeOf(folder: string): string {
  for (let current = folder; current !== dirname(current); current = dirname(current)) {
    const above = dirname(current);
    if (basename(current) === 'snapshots' && basename(above).startsWith('models--')) return above;
  }
  return folder;
}
