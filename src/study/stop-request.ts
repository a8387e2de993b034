import * as z from 'zod';
import { writeJson } from '../io/atomic.js';
import { exists, remove } from '../io/files.js';
import { readJson } from '../io/json.js';
import { studyPaths } from './study-record.js';

const stopSchema = z.strictObject({
  schema: z.literal('phasetune/stop'),
  version: z.literal(1),
  time: z.string(),
  /** At once, rather than after saving. */
  now: z.boolean(),
});

/** Asks the process that runs a study to stop. */
export const requestStop = (folder: string, now: boolean): Promise<void> =>
  writeJson(studyPaths(folder).stop, {
    schema: 'phasetune/stop',
    version: 1,
    time: new Date().toISOString(),
    now,
  } satisfies z.infer<typeof stopSchema>);

/** What was asked for; undefined for nothing. */
export async function readStopRequest(folder: string): Promise<'save' | 'now' | undefined> {
  const { stop } = studyPaths(folder);
  if (!exists(stop)) return undefined;
  return (await readJson(stop, stopSchema)).now ? 'now' : 'save';
}

/** Takes the request back: it was followed, or is older than the process that runs the study. */
export const dropStopRequest = (folder: string): Promise<void> => remove(studyPaths(folder).stop);
