import type { Evaluation } from '../result/evaluation.js';
import { diagnose } from './diagnose.js';
import type { Diagnosis } from './diagnosis.js';
import { readFacts } from './read-facts.js';
import type { TestOptions } from './tests.js';

/**
 * Diagnoses every arm of an evaluation that may be a curriculum, by name: empty where there is none. Reads files only.
 *
 * @param judge whose verdicts count; without one the losses alone do.
 */
export async function diagnoseEvaluation(
  folder: string,
  evaluation: Evaluation,
  judge: string | undefined,
  options: TestOptions,
): Promise<Record<string, Diagnosis>> {
  const facts = await readFacts(folder, evaluation, judge);
  return Object.fromEntries(facts.map((one) => [one.arm, diagnose(one, options)]));
}
