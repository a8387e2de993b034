import { stableJson } from '../../core/hash.js';
import type { RunFile } from '../../train/run-file.js';
import type { RunCheck } from './facts.js';

/** What of a run's file is compared. */
export type ComparedRun = Pick<RunFile, 'recipe' | 'seed' | 'inputs' | 'stages'>;

/** Trained tokens may differ by this share: stages end with a whole step. */
const SAME_TOKENS = 0.01;

/** Options that say where a run lies, how it is shown or executed, or what the arms differ in. */
const APART = new Set([
  'out',
  'order',
  'seed',
  'model',
  'data',
  'resume',
  'force',
  'json',
  'logEvery',
  'evalRows',
  'evalEvery',
  'saveEvery',
  'keepLast',
  'stages',
]);

/** What has to be in order before a run that lost to a one-off one is put down to its order of rows. */
export function checkRuns(run: ComparedRun, oneOff: ComparedRun): RunCheck[] {
  return [tokens(run, oneOff), rows(run, oneOff), seed(run, oneOff), base(run, oneOff), options(run, oneOff)].concat(
    origin(run),
    skipped(run, oneOff),
  );
}

const check = (name: RunCheck['name'], same: boolean, ok: string, differs: string): RunCheck => ({
  name,
  state: same ? 'ok' : 'differs',
  detail: same ? ok : differs,
});

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const shown = (count: number) => count.toLocaleString('en-US');

function tokens(run: ComparedRun, oneOff: ComparedRun): RunCheck {
  const [a, b] = [run, oneOff].map(({ stages }) => sum(stages.map(({ trainedTokens }) => trainedTokens)));
  const same = Math.abs(a! - b!) <= SAME_TOKENS * Math.max(a!, b!);
  const text = `${shown(a!)} and ${shown(b!)} trained tokens`;
  return check('trained tokens', same, text, `the runs have ${text}`);
}

function rows(run: ComparedRun, oneOff: ComparedRun): RunCheck {
  if (run.inputs.data.manifest !== oneOff.inputs.data.manifest)
    return check('rows', false, '', 'the runs were trained on other staged sets');
  const [a, b] = [run, oneOff].map(({ stages }) => {
    const consumed = stages.map((stage) => stage.consumed?.rows);
    return consumed.some((one) => one === undefined) ? undefined : sum(consumed as number[]);
  });
  if (a === undefined || b === undefined)
    return { name: 'rows', state: 'unknown', detail: 'the rows that were trained on are not recorded' };
  return check(
    'rows',
    a === b,
    `${shown(a)} rows of the same set`,
    `the runs consumed ${shown(a)} and ${shown(b)} rows`,
  );
}

const seed = (run: ComparedRun, oneOff: ComparedRun): RunCheck =>
  check('seed', run.seed === oneOff.seed, `seed ${run.seed}`, `the runs have the seeds ${run.seed} and ${oneOff.seed}`);

const base = (run: ComparedRun, oneOff: ComparedRun): RunCheck =>
  check(
    'base',
    stableJson(run.inputs.model.files) === stableJson(oneOff.inputs.model.files),
    'the same base model',
    'the runs began with other base models',
  );

function options(run: ComparedRun, oneOff: ComparedRun): RunCheck {
  const names = [...new Set([...Object.keys(run.recipe), ...Object.keys(oneOff.recipe)])].sort();
  const other = names.filter(
    (name) => !APART.has(name) && stableJson(run.recipe[name] ?? null) !== stableJson(oneOff.recipe[name] ?? null),
  );
  return check('options', other.length === 0, 'the same options', `the runs differ in ${other.join(', ')}`);
}

/** Every stage must start from where the one before ended, or was best. */
function origin({ stages }: ComparedRun): RunCheck {
  if (stages.some(({ origin: from }) => from === undefined))
    return { name: 'origin', state: 'unknown', detail: 'where some stages started from is not recorded' };
  const wrong = stages.flatMap(({ stage, origin: from }, i) => {
    const before = stages[i - 1];
    if (from!.from === 'base') return i === 0 ? [] : [`stage ${stage} started from the base again`];
    const expected = from!.from === 'previous-best' ? before?.best : before?.end;
    if (from!.sha256 !== undefined && expected?.sha256 === from!.sha256) return [];
    return [`stage ${stage} did not start from the adapter that the stage before left`];
  });
  return check('origin', wrong.length === 0, 'every stage started from the one before', wrong.join(', '));
}

function skipped(run: ComparedRun, oneOff: ComparedRun): RunCheck {
  const [a, b] = [run, oneOff].map(({ stages }) => sum(stages.map((stage) => stage.skipped?.length ?? 0)));
  return check('skipped steps', a === 0 && b === 0, 'no step was skipped', `${a} and ${b} steps were skipped`);
}
