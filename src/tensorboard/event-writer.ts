import { join } from 'node:path';
import { readHead, statPath } from '../io/files.js';
import { openResumable, type ResumableFile } from '../io/resumable.js';
import type { RunEvent } from '../train/events.js';
import { readRunEvents } from '../train/read-run-events.js';
import { readRunFile } from '../train/run-file.js';
import { checkBoardFolder, liveFiles, liveName } from './event-files.js';
import { hyperparametersOf } from './hyperparameters.js';
import { type BoardEvent, eventRecord, versionRecord } from './messages.js';
import { lastStep } from './read-step.js';
import { runToEvents } from './run-to-events.js';

/** Writes the events of a run for TensorBoard while it is trained. */
export interface BoardWriter {
  /**
   * Takes an event that is in `events.jsonl`. Never throws: where a file cannot be written it
   * returns why, once, and writes no more.
   */
  add(event: RunEvent): Promise<string | undefined>;
  close(): Promise<void>;
}

/** An event file that is open, and what turns the run's events into its records. */
interface OpenFile {
  readonly file: ResumableFile;
  readonly toEvents: ReturnType<typeof runToEvents>;
}

/**
 * A writer of event files in `folder` for the run in the folder `run`. A run that is resumed gets a
 * new file: see {@link openFile}.
 */
export function boardWriter(folder: string, run: string): BoardWriter {
  let opened: OpenFile | undefined;
  let failed = false;
  const write = async (event: RunEvent) => {
    opened ??= await openFile(folder, run, event.type === 'resume');
    if (event.type === 'resume' || event.type === 'eval-progress') return;
    const events = opened.toEvents({ time: new Date().toISOString(), ...event });
    if (events.length > 0) await opened.file.append(Buffer.concat(events.map(eventRecord)));
  };
  return {
    async add(event) {
      if (failed) return undefined;
      try {
        await write(event);
        return undefined;
      } catch (error) {
        failed = true;
        return `nothing more is written for TensorBoard, the run continues: ${(error as Error).message}`;
      }
    },
    // What is not on the disk by then is of no use to the run.
    close: async () => opened?.file.close().catch(() => {}),
  };
}

/**
 * Opens the next file. It begins with a mark that says that everything from some step on is void; TensorBoard
 * honours it from the second file on. What `events.jsonl` kept from there on follows. The step is the last one at which
 * every tag had a value: so each tag has a record there, at which a reader that knows no such mark drops what came
 * after it. It is less where the files before end earlier, since the disk was full.
 */
async function openFile(folder: string, run: string, resumed: boolean): Promise<OpenFile> {
  const about = await readRunFile(run);
  // Another run may have begun to write there meanwhile.
  await checkBoardFolder(folder, about.started);
  const before = await liveFiles(folder, about.started);
  const toEvents = runToEvents({ run: about, hyperparameters: hyperparametersOf(about.recipe) });
  const kept: BoardEvent[] = [];
  if (resumed) for await (const event of readRunEvents(run)) kept.push(...toEvents(event));
  const now = Date.now() / 1000;
  const from = Math.min(lastCommonStep(kept), await writtenUpTo(before.map((name) => join(folder, name))));
  const mark: BoardEvent = { wallTime: now, step: from, values: [] };
  const again = kept.filter(({ step }) => step >= from);
  const file = await openResumable(join(folder, liveName(about.started, now, before)));
  await file.append(Buffer.concat([versionRecord(now), ...[mark, ...again].map(eventRecord)]));
  return { file, toEvents };
}

/** The step up to which files that follow one another have all there is; 0 without any. */
async function writtenUpTo(files: readonly string[]): Promise<number> {
  for (const path of files.toReversed()) {
    const step = lastStep(await readHead(path, (await statPath(path)).bytes));
    if (step !== undefined) return step;
  }
  return 0;
}

/** The least of the steps at which each tag has its last value; 0 without any. */
function lastCommonStep(events: readonly BoardEvent[]): number {
  const last = new Map<string, number>();
  for (const { step, values } of events)
    for (const value of values) if (value.kind === 'scalar') last.set(value.tag, step);
  return last.size === 0 ? 0 : Math.min(...last.values());
}
