import type { RunReport } from './read-run-report.js';

/** How a run stands, in a sentence. */
export interface RunState {
  readonly tone: 'good' | 'active' | 'bad';
  readonly word: 'done' | 'running' | 'interrupted' | 'failed' | 'cut off';
  readonly sentence: string;
}

/** What run.json says and whether a process holds the folder: the file alone still says `running` after a kill. */
export function runState({ run, history, holder }: Pick<RunReport, 'run' | 'history' | 'holder'>): RunState {
  const { status, error, stages } = run;
  const planned = stages.reduce((sum, { steps }) => sum + steps, 0);
  const made = history.steps.at(-1)?.step ?? 0;
  const far = `${made} of ${planned} steps`;
  const why = error === undefined ? '' : `: ${error}`;
  if (status === 'done')
    return {
      tone: 'good',
      word: 'done',
      sentence: `The run is done: all ${planned} steps of ${stageCount(stages.length)}.`,
    };
  if (holder)
    return {
      tone: 'active',
      word: 'running',
      sentence: `The run is running: ${far} so far, in process ${holder.pid} on ${holder.host} since ${holder.since}.`,
    };
  if (status === 'failed') return { tone: 'bad', word: 'failed', sentence: `The run failed after ${far}${why}` };
  if (status === 'interrupted')
    return { tone: 'bad', word: 'interrupted', sentence: `The run was interrupted after ${far}${why}` };
  return {
    tone: 'bad',
    word: 'cut off',
    sentence: `The run was cut off after ${far}: it says that it is running, but no process holds its folder. It was killed, or its machine went off.`,
  };
}

const stageCount = (count: number): string => (count === 1 ? 'one stage' : `${count} stages`);
