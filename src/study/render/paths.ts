import { relative, resolve, sep } from 'node:path';
import { usageError } from '../../core/errors.js';
import { realPath } from '../../io/files.js';
import { type Study, studyPaths } from '../study-record.js';

/** Whether a path is a folder or is in it; both are absolute. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/**
 * Refuses a study of which a pod would not see all: its folder, its models and its data must be in the folder where the
 * volume is mounted, also where a link leads.
 */
export async function checkPaths({ folder, record, cells }: Study, mountPath: string): Promise<void> {
  const models = Object.entries(record.inputs.models);
  const paths = new Set([
    resolve(folder),
    ...cells.map(({ recipe }) => resolve(record.begunIn, String(recipe.model))),
    ...models.flatMap(([model, files]) => Object.keys(files).map((file) => resolve(record.begunIn, model, file))),
    ...cells.filter(({ set }) => set === null).map(({ recipe }) => resolve(record.begunIn, String(recipe.data))),
  ]);
  const real = await realPath(mountPath);
  for (const path of paths) {
    const target = await realPath(path);
    if (isWithin(mountPath, path) && (isWithin(real, target) || isWithin(mountPath, target))) continue;
    const leads = isWithin(mountPath, path) ? `${path} is a link to ${target}, which` : path;
    throw usageError(
      `${leads} is not in ${mountPath}, so the pods would not see it; expected the study (${studyPaths(folder).record}), its models and its data in \`executor.kubernetes.mountPath\``,
      { file: path, option: 'executor.kubernetes.mountPath' },
    );
  }
}
