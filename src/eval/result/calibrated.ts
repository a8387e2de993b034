import { type BelievedScore, calibrate, type JudgeCalibration, preferenceOf, scoresBy } from '../judge/calibration.js';
import { scoreOfLogOdds } from '../judge/log-odds.js';
import type { Verdict } from '../verdicts/verdict.js';
import type { Evaluation } from './evaluation.js';
import { orderFigures, problemsOf } from './judge-figures.js';
import type { EvaluationResult } from './result.js';

/** What people are called where a judge is compared with them. */
const PEOPLE = 'people';

/** How the letters judges of an evaluation compare with one that is believed, by name. */
export type Calibrations = NonNullable<EvaluationResult['calibration']>;

/**
 * Fits the temperature of every judge that reads letters to people's ratings (`people`, the score of a pair), or to
 * the verdicts of the first judge at an endpoint that counts, whichever decided 50 of the same pairs, and scores its
 * verdicts by that temperature. Without either its verdicts stay as they are, at a temperature of 1. `verdicts.jsonl`
 * keeps log-odds, so nothing is asked again.
 */
export function calibratedEvaluation(
  evaluation: Evaluation,
  people?: BelievedScore,
): { readonly evaluation: Evaluation; readonly calibration: Calibrations } {
  const calibration: Record<string, Calibrations[string]> = {};
  for (const [judge, { kind }] of Object.entries(evaluation.file.judges)) {
    if (kind !== 'letters') continue;
    calibration[judge] = calibrationOf(judge, evaluation, people);
  }
  return { evaluation: withTemperatures(evaluation, calibration), calibration };
}

/** The evaluation with the verdicts of calibrated judges scored by their temperatures. */
export function withTemperatures(evaluation: Evaluation, calibration: Calibrations): Evaluation {
  const calibrated = Object.entries(calibration).filter(([, { notCalibrated }]) => notCalibrated === null);
  if (calibrated.length === 0) return evaluation;
  const temperatures = new Map(calibrated.map(([judge, { temperature }]) => [judge, temperature]));
  const verdicts = evaluation.verdicts.map((verdict) => scoredBy(temperatures.get(verdict.judge), verdict));
  return { ...evaluation, verdicts };
}

function calibrationOf(
  judge: string,
  { file, verdicts }: Evaluation,
  people: BelievedScore | undefined,
): Calibrations[string] {
  const believed = Object.keys(file.judges).filter((name) => isBelieved(name, file.judges[name]!, verdicts));
  const tried = [
    ...(people ? [calibrate(judge, PEOPLE, verdicts, people)] : []),
    ...believed.map((name) => calibrate(judge, name, verdicts, scoresBy(name, verdicts))),
  ];
  const most = tried.toSorted((x, y) => y.pairs - x.pairs)[0];
  const best = tried.find(({ temperature: { calibrated } }) => calibrated) ?? most;
  return best ? shown(best) : NOBODY;
}

const NOBODY: Calibrations[string] = {
  against: null,
  pairs: 0,
  decided: 0,
  temperature: 1,
  notCalibrated: 'no other judge',
  agreement: null,
  auc: null,
  brier: null,
  calibrationError: null,
  winRate: null,
};

const shown = ({ judge: _, temperature, ...figures }: JudgeCalibration): Calibrations[string] => ({
  ...figures,
  temperature: temperature.temperature,
  notCalibrated: temperature.reason,
});

/** A judge at an endpoint whose own figures count. */
function isBelieved(
  name: string,
  { kind, control, entrance }: Evaluation['file']['judges'][string],
  verdicts: readonly Verdict[],
): boolean {
  if (kind !== 'llm' || control) return false;
  const { consistency, position } = orderFigures(
    verdicts.filter(({ judge }) => judge === name),
    kind,
  );
  return problemsOf({ kind, entrance: entrance ?? null, consistency, position }).length === 0;
}

function scoredBy(temperature: number | undefined, verdict: Verdict): Verdict {
  const preference = temperature !== undefined && verdict.state === 'judged' ? preferenceOf(verdict) : undefined;
  return preference === undefined ? verdict : { ...verdict, x: scoreOfLogOdds(preference, temperature) };
}

/** What a reader must know of the main judge, if it reads letters. */
export function calibrationWarnings(judge: string | undefined, calibration: Calibrations): string[] {
  const known = judge === undefined ? undefined : calibration[judge];
  return !known || known.notCalibrated === null
    ? []
    : [`${judge} is not calibrated: how sure it is of a verdict may be far from how often it is right`];
}
