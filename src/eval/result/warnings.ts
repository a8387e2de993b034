import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { EvalFile } from '../eval-file.js';
import type { Verdict } from '../verdicts/verdict.js';
import type { Evaluation } from './evaluation.js';
import { isOrdered } from './judge-figures.js';
import type { ArmResult, JudgeFigures } from './result.js';

/** Names of families of models, as they occur in names of judges and of models. */
const FAMILIES =
  /(smollm|llama|vicuna|alpaca|mixtral|mistral|ministral|qwen|gemma|gemini|phi|gpt|claude|deepseek|falcon|olmo|granite|command|nemotron|internlm|baichuan|chatglm|glm|yi|stablelm|zephyr|tulu)(?![a-z]{3})/gi;

const familiesOf = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(FAMILIES)].map(([family]) => family.toLowerCase()));

/** What a path is named after: where it lies says nothing of a model. A download's own folder is a hash. */
function lastName(path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => part !== '');
  return (parts.at(-2) === 'snapshots' ? parts.at(-3) : parts.at(-1)) ?? '';
}

/** Arms that are of the judge's own family, or the judge itself by name: such judges prefer their own answers. */
function relatives({ arms, judges }: EvalFile, judge: string): string[] {
  const { about, kind } = judges[judge]!;
  if (kind === 'length') return [];
  const model = typeof about.model === 'string' ? lastName(about.model) : '';
  const own = familiesOf(`${judge} ${model}`);
  return Object.entries(arms).flatMap(([arm, { runs }]) => {
    const names = [arm, ...runs.flatMap(({ source, model: base }) => [source, base?.path ?? ''].map(lastName))].join(
      ' ',
    );
    const shared = [...familiesOf(names)].filter((family) => own.has(family));
    if (names.split(' ').includes(judge)) return [`${arm} is the judge itself; judges prefer their own answers`];
    return shared.length > 0
      ? [`${arm} and the judge are both ${shared.join(' and ')} models; judges prefer answers of their own family`]
      : [];
  });
}

/** Arms that did not answer every row: they were stopped, or a file of theirs is gone. */
export function unanswered({ rows, arms }: Evaluation): string[] {
  const missing = new Map<string, number>();
  for (const [arm, runs] of arms)
    for (const [run, answers] of runs.entries())
      for (const [i, { set }] of rows.entries()) {
        if (answers[i]) continue;
        const what = `${runs.length > 1 ? `${arm}, run ${run + 1},` : arm} has no answer to`;
        const key = JSON.stringify([what, set]);
        missing.set(key, (missing.get(key) ?? 0) + 1);
      }
  return [...missing].map(([key, count]) => {
    const [what, set] = JSON.parse(key) as [string, string];
    const all = rows.filter((row) => row.set === set).length;
    return `${what} ${formatCount(count)} of ${formatCounted(all, 'row')} of ${set}: it was stopped, or a file of its answers is gone; the command that made the answers, run again, completes them`;
  });
}

const nameOf = ({ judge, arm, baseline, run, set, id }: Verdict): string =>
  JSON.stringify([judge, arm, baseline, run, set, id]);

/** Verdicts that are about nothing in this evaluation, as after other rows or arms were chosen. */
export function strangers({ file, rows }: Evaluation, verdicts: readonly Verdict[]): string[] {
  const known = new Set(rows.map(({ set, id }) => JSON.stringify([set, id])));
  const strange = verdicts.filter(
    ({ judge, baseline, arm, run, baselineRun, set, id }) =>
      !(judge in file.judges) ||
      !known.has(JSON.stringify([set, id])) ||
      run > (file.arms[arm]?.runs.length ?? 0) ||
      baselineRun > (file.arms[baseline]?.runs.length ?? 0),
  );
  if (strange.length === 0) return [];
  const [{ judge, arm, id, set }] = strange.toSorted((x, y) => (nameOf(x) < nameOf(y) ? -1 : 1)) as [Verdict];
  return [
    `${formatCounted(strange.length, 'verdict')} ${strange.length === 1 ? 'is' : 'are'} about rows, arms or judges that are not in this evaluation, and not counted; the first: ${judge} on ${arm}, row ${id} of ${set}`,
  ];
}

/** Resamples of k runs have a variance that is too small by the factor (k - 1) / k: half of it for two. */
const FEW_RUNS = 5;

/** What a reader must know before the verdicts of a judge. */
export function judgeWarnings(file: EvalFile, judge: JudgeFigures, results: Readonly<Record<string, ArmResult>>) {
  const { entrance, kind, consistency, asked, longerWins } = judge;
  const state = entrance?.state;
  const arms = Object.entries(results);
  return [
    ...relatives(file, judge.name),
    ...(kind === 'llm' && entrance === null ? ['the judge was not tested before it judged'] : []),
    ...(kind === 'llm' && state === 'cannot tell'
      ? ['too few rows have a reference answer to test the judge with']
      : []),
    ...(consistency === null && asked > 0 && isOrdered(kind)
      ? ['each pair was judged in one order only: a preference for the first answer is not averaged out']
      : []),
    ...(longerWins !== null && longerWins > 0.7 && kind !== 'length'
      ? [
          `the longer answer won ${(100 * longerWins).toFixed(0)} % of the decided pairs; compare the win rates at equal length`,
        ]
      : []),
    ...arms.flatMap(([arm, { lengthControlled }]) =>
      lengthControlled && lengthControlled.state !== 'shown' ? [overlapWarning(arm, lengthControlled)] : [],
    ),
    ...arms.flatMap(([arm, { runs }]) =>
      runs > 1 && runs < FEW_RUNS
        ? [
            `${arm}: its interval is over ${runs} training runs, which show too little of how much runs differ: read it as too narrow`,
          ]
        : [],
    ),
    ...unequalRuns(file),
  ];
}

function overlapWarning(arm: string, { overlap, state }: NonNullable<ArmResult['lengthControlled']>): string {
  // There is overlap enough, so it is the fit that failed.
  if (state === 'none' && overlap >= 0.05)
    return `${arm}: no win rate at equal length can be computed: one side won every row, or length or difficulty alone decides`;
  const rest = `one side is almost always the longer; the other one is in only ${(100 * overlap).toFixed(0)} % of the rows`;
  return state === 'extrapolated'
    ? `${arm}: its win rate at equal length is extrapolated: ${rest}`
    : `${arm}: no win rate at equal length can be computed: ${rest}`;
}

function unequalRuns({ arms, baseline }: EvalFile): string[] {
  const base = arms[baseline]!.runs.length;
  return Object.entries(arms).flatMap(([arm, { runs }]) =>
    base > 1 && runs.length > 1 && runs.length !== base
      ? [
          `${arm} has ${formatCount(runs.length)} runs and ${baseline} ${formatCount(base)}; those without a counterpart are not counted`,
        ]
      : [],
  );
}
