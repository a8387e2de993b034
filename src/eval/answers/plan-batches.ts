import { type DecodePlan, planDecode } from '../../generate/plan.js';

/** Answers to be generated: all prompts of a set, and the batches that are left. Undefined where none is missing. */
export type LeftToAnswer = DecodePlan | undefined;

/**
 * What of a plan is left where some keys are known. A run that continues after it was killed has the batches of one
 * that was not, a half-known one whole, so that its answers are the same to the bit. Where other rows are missing
 * than such a run leaves, they get batches of their own: answers may then differ from those of one run by how sums are
 * rounded.
 */
export function leftToAnswer(
  prompts: readonly Int32Array[],
  keys: readonly string[],
  options: DecodePlan['options'],
  rows: number,
  has: (key: string) => boolean,
): LeftToAnswer {
  const firsts = new Map<string, number>();
  for (const [i, key] of keys.entries()) if (!firsts.has(key)) firsts.set(key, i);
  const isOwn = (i: number) => firsts.get(keys[i]!) === i;
  const isMissing = (i: number) => isOwn(i) && !has(keys[i]!);
  if (!keys.some((_, i) => isMissing(i))) return undefined;
  const plan = planDecode(prompts, options, rows);
  const left = plan.batches.filter((batch) => batch.some(isMissing));
  const mixed = left.filter((batch) => !batch.filter(isOwn).every(isMissing));
  if (mixed.length <= 1) return { ...plan, batches: left };
  const missing = keys.flatMap((_, i) => (isMissing(i) ? [i] : []));
  const alone = planDecode(
    missing.map((i) => prompts[i]!),
    options,
    rows,
  );
  return { ...alone, prompts, batches: alone.batches.map((batch) => batch.map((i) => missing[i]!)) };
}
