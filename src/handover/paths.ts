import { join } from 'node:path';

/** Names in a handover's folder that do not depend on the engine; all of them relative to it, with `/`. */
export const HANDOVER_FILES = {
  RECORD: 'handover.json',
  ROWS: 'rows',
  HELD_OUT: 'rows/held-out.jsonl',
  HELD_OUT_LIST: 'rows/held-out.list.jsonl',
  README: 'README.md',
  RUN: 'run.sh',
} as const;

/** Rows of a stage, in the order of training: a line is one row as the engine reads it. */
export const rowsFile = (stage: number): string => `${HANDOVER_FILES.ROWS}/stage-${stage}.jsonl`;

/** What each line of {@link rowsFile} is: which row of the set, in which step. */
export const rowList = (stage: number): string => `${HANDOVER_FILES.ROWS}/stage-${stage}.list.jsonl`;

/** Folder of the adapter after a stage; 0 is the one that the first stage starts from. */
export const adapterFolder = (stage: number): string => `adapter-${stage}`;

/** What the engine reported about a stage, see `stageReportSchema`. */
export const stageReport = (stage: number): string => `stage-${stage}.json`;

/** The record's place in a handover's folder. */
export const recordPath = (folder: string): string => join(folder, HANDOVER_FILES.RECORD);
