import type { StateCounts, StudyEvent } from '../../study/events.js';
import { formatCounted, formatDuration } from '../../telemetry/format.js';
import type { ProgressBar } from '../../telemetry/progress.js';
import type { CommandContext } from '../command.js';
import { showEvaluation } from '../eval/progress.js';

/** States in the order that they are listed in. */
const STATES = ['done', 'running', 'queued', 'interrupted', 'lost', 'failed', 'waiting'] as const;

/** `3 done, 1 failed, 8 waiting`; states without cells are left out. */
export const countStates = (states: StateCounts): string =>
  STATES.filter((state) => states[state] > 0)
    .map((state) => `${states[state]} ${state}`)
    .join(', ');

/** Shows what happens while a study runs: a line for each cell that begins and that ends. */
export function showStudy(context: CommandContext) {
  const { logger, progress } = context;
  let bar: ProgressBar | undefined;
  let evaluating: ReturnType<typeof showEvaluation> | undefined;
  const end = () => {
    bar?.finish();
    evaluating?.end();
    [bar, evaluating] = [undefined, undefined];
  };
  const show = (event: StudyEvent): void => {
    if (event.type === 'prepare') {
      bar ??= progress({ label: event.doing === 'stage' ? 'staging' : 'planning', total: event.of });
      bar.update(event.done);
      if (event.done === event.of) end();
    } else if (event.type === 'evaluation') {
      evaluating ??= showEvaluation(context, {});
      evaluating.show(event.event);
    } else {
      end();
      if (event.type === 'warning') logger.warn(event.message);
      else if (event.type !== 'results') logger.info(lineOf(event));
    }
  };
  return { show, end };
}

/** What is printed for an event. */
function lineOf(event: Exclude<StudyEvent, { type: 'prepare' | 'evaluation' | 'warning' | 'results' }>): string {
  switch (event.type) {
    case 'study':
      return `${event.folder}: ${formatCounted(event.cells, 'cell')} in ${formatCounted(event.blocks, 'block')}: ${countStates(event.states)}`;
    case 'rendered':
      return `${event.path}: Job ${event.name} with ${formatCounted(event.cells, 'cell')}; nothing is started`;
    case 'cell-begin':
      return `${event.id}: ${beginOf(event)}, log: ${event.log}`;
    case 'cell-running':
      return `${event.id}: runs${event.job === undefined ? '' : ` as job ${event.job}`}`;
    case 'detached':
      return detachedOf(event);
    case 'cell-elsewhere':
      return `${event.id}: is run by process ${event.pid} on ${event.host}; waiting for it`;
    case 'cell-end':
      return `${event.id}: ${outcomeOf(event)} after ${formatDuration(event.seconds)}${settledOf(event)}`;
    case 'evaluate':
      return `win rates: ${event.name}`;
  }
}

type Of<Type extends StudyEvent['type']> = Extract<StudyEvent, { type: Type }>;

function beginOf({ attempt, adopted, queued }: Of<'cell-begin'>): string {
  if (adopted) return `attempt ${attempt} was started before, and is followed`;
  if (queued) return attempt === 1 ? 'is queued' : `attempt ${attempt} is queued`;
  return attempt === 1 ? 'begins' : `attempt ${attempt}`;
}

function detachedOf({ jobs }: Of<'detached'>): string {
  if (jobs.length === 0) return 'no jobs are left to run';
  const arrays = [...new Set(jobs.map((job) => job.replace(/_\d+$/, '')))].join(', ');
  return `${formatCounted(jobs.length, 'job')} handed over (${arrays}); they continue without this process`;
}

type CellEnd = Extract<StudyEvent, { type: 'cell-end' }>;

function outcomeOf({ outcome, failure, reason, retryIn }: CellEnd): string {
  const why = outcome === 'failed' && failure !== undefined ? ` (${failure}${reason ? `: ${reason}` : ''})` : '';
  const again = retryIn === undefined ? '' : `, again in ${formatDuration(retryIn)}`;
  return `${outcome}${why}${again}`;
}

function settledOf({ settled, of, secondsLeft }: CellEnd): string {
  const left = secondsLeft === undefined || settled === of ? '' : `, about ${formatDuration(secondsLeft)} left`;
  return `; ${settled} of ${formatCounted(of, 'cell')}${left}`;
}
