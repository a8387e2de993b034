import { join } from 'node:path';

/** The folder of a study with all that concerns its jobs of Slurm. */
const SLURM_FOLDER = 'slurm';

/** Files of a study's jobs of Slurm; `task` is the index in the array, from 0. */
export const slurmPaths = (folder: string) => {
  const at = (...parts: string[]) => join(folder, SLURM_FOLDER, ...parts);
  return {
    folder: at(),
    submissions: at('submissions.jsonl'),
    script: (batch: number) => at(`batch-${batch}.sh`),
    /** A line for each task: the cell's index, a tab, and its log from the study's folder on. */
    tasks: (batch: number) => at(`batch-${batch}.txt`),
    /** What Slurm says of a task, and `setup`. */
    output: (batch: number, task: number) => at(`batch-${batch}-${task}.out`),
    /** The id of the array that runs the batch: the first one to start. */
    owner: (batch: number) => at(`batch-${batch}.owner`),
    /** Exit statuses, one a file, of tasks that have ended for good. */
    ended: at('ended'),
    /** A file for each task that is asked to stop. */
    stop: at('stop'),
    stopOf: (batch: number, task: number) => at('stop', `${batch}-${task}`),
  };
};
