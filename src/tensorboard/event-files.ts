import { join } from 'node:path';
import { usageError } from '../core/errors.js';
import { listFolder, statPath } from '../io/files.js';

/** Digits of the seconds in a name: files of a folder are read in the order of their names. */
const DIGITS = 10;

/** Tells a run from others that write event files into the same folder. */
const idOf = (started: string): string => Date.parse(started).toString(36);

const secondsIn = (time: number): string => String(Math.floor(time)).padStart(DIGITS, '0');

/** The name of the next file that is written while a run is trained; `before` are those of the same run. */
export function liveName(started: string, now: number, before: readonly string[]): string {
  const [, , , seconds = 0, , count = -1] = before.at(-1)?.split('.').map(Number) ?? [];
  // Later in the order of names, whatever the clock of this machine says.
  const time = secondsIn(Math.max(now, seconds));
  return `events.out.tfevents.${time}.phasetune-${idOf(started)}.${String(count + 1).padStart(4, '0')}`;
}

/** The name of the file that a run is exported to. */
export const exportName = (started: string): string =>
  `events.out.tfevents.${secondsIn(Date.parse(started) / 1000)}.phasetune-${idOf(started)}.export`;

const EXPORTED = /^events\.out\.tfevents\.\d{10}\.phasetune-[0-9a-z]+\.export$/;

/** True for a name that {@link exportName} gives. */
export const isExportName = (name: string): boolean => EXPORTED.test(name);

/** Names of the event files in a folder; none where it is missing. */
async function eventFiles(folder: string): Promise<string[]> {
  if ((await statPath(folder)).kind !== 'folder') return [];
  return (await listFolder(folder)).filter((name) => name.includes('tfevents'));
}

const isLiveNameOf = (started: string, name: string): boolean =>
  new RegExp(`^events\\.out\\.tfevents\\.\\d{10}\\.phasetune-${idOf(started)}\\.\\d{4}$`).test(name);

/** The event files that a run wrote into a folder while it was trained, in their order. */
export const liveFiles = async (folder: string, started: string): Promise<string[]> =>
  (await eventFiles(folder)).filter((name) => isLiveNameOf(started, name));

/**
 * Throws a usage error unless a run can write its event files to the folder: TensorBoard shows all
 * files of a folder as one run. `started` is the run's time of start; undefined for a run that has not begun.
 */
export async function checkBoardFolder(folder: string, started: string | undefined): Promise<void> {
  const { kind } = await statPath(folder);
  if (kind === 'file' || kind === 'other')
    throw usageError(`${folder} is a file; expected a folder for event files of TensorBoard`, {
      file: folder,
      option: 'tensorboard',
    });
  const foreign = (await eventFiles(folder)).find((name) => started === undefined || !isLiveNameOf(started, name));
  if (foreign === undefined) return;
  throw usageError(`${join(folder, foreign)} was not written by this run; TensorBoard would show both as one run`, {
    file: join(folder, foreign),
    option: 'tensorboard',
    remedies: [{ option: 'tensorboard', change: 'set', note: 'to another folder' }],
  });
}
