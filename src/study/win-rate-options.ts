import { isAbsolute, join, resolve } from 'node:path';
import { env } from 'node:process';
import * as z from 'zod';
import { jsonSchemaOf } from '../config/from-zod.js';
import { resolveLayers } from '../config/layers.js';
import { usageError } from '../core/errors.js';
import { judgeKindOf } from '../workflow/eval-judge-work.js';
import { evaluateOptionsSchema } from '../workflow/evaluate-options.js';
import type { Metric, StudyFile } from './study-file.js';

const { arms, base, baseline, out, level, people, force, reparse, ...shape } = evaluateOptionsSchema.shape;

/** Options of an evaluation that are not the user's here. */
const DECIDED = { arms, base, baseline, out, level, people, force, reparse };

/**
 * How a study measures win rates: the options of an evaluation, except those that the study decides. Its arms are
 * those of the study, the baseline is the control, and `level` is what `alpha` leaves.
 *
 * @example
 * const { judge, maxTokens } = winRateOptionsSchema.parse({ sets: ['sets/koala.jsonl'], judge: 'letters' });
 */
export const winRateOptionsSchema = z.strictObject(shape);

/** See {@link winRateOptionsSchema}; all defaults filled in. */
export type WinRateOptions = z.output<typeof winRateOptionsSchema>;

/** Key of the metric that is measured by an evaluation. */
const KEY = 'win-rate';

/** What a metric is decided with. */
export interface DecideMetricOptions {
  /** Where a judge's address may come from. Default: the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Names a key in an error: `study.yaml:12: metric.win-rate.judge`. */
  where?(path: readonly PropertyKey[]): string;
}

/**
 * A metric with every option decided, the judge and its address too, which may come from the environment. Throws a
 * usage error that names an unknown option, one that the study decides, and a value that is not as it must be.
 */
export function decideMetric(
  metric: Metric,
  { environment = env, where = (path) => `\`${path.join('.')}\`` }: DecideMetricOptions = {},
): Metric {
  if (!(KEY in metric)) return metric;
  const given = metric[KEY];
  const placed = (path: readonly PropertyKey[]) => where(['metric', KEY, ...path]);
  const taken = Object.keys(given).find((name) => name in DECIDED);
  if (taken !== undefined)
    throw usageError(`${placed([taken])}: the study decides this; leave it out`, { option: `metric.${KEY}.${taken}` });
  const options = resolveLayers(winRateOptionsSchema, jsonSchemaOf(winRateOptionsSchema), [
    { values: given, where: placed },
  ]);
  const judge = judgeKindOf({ options, hooks: { environment } });
  const baseUrl = options.baseUrl ?? (judge === 'llm' ? environment.OPENAI_BASE_URL?.trim() : undefined);
  return { ...metric, [KEY]: { ...options, judge, ...(baseUrl && { baseUrl }) } };
}

/** How a study measures win rates; undefined where it compares something else. */
export const winRateOptions = ({ metric }: Pick<StudyFile, 'metric'>): WinRateOptions | undefined =>
  KEY in metric ? winRateOptionsSchema.parse(metric[KEY]) : undefined;

/** Instructions for judges that come with the program; anything else is a path. */
const OWN_PROMPTS = new Set(['pair', 'pair-scores']);

/** The options with paths that are found from here; `begunIn` is the folder that they start from. */
export function fromHere(options: WinRateOptions, begunIn: string): WinRateOptions {
  const placed = (path: string) => (isAbsolute(path) || resolve(begunIn) === resolve('.') ? path : join(begunIn, path));
  const { sets, prices, model, judge, judgePrompt } = options;
  return {
    ...options,
    sets: sets.map(placed),
    judgePrompt: OWN_PROMPTS.has(judgePrompt) ? judgePrompt : placed(judgePrompt),
    ...(prices !== undefined && { prices: placed(prices) }),
    // An LLM's model is a name at its endpoint.
    ...(model !== undefined && { model: judge === 'llm' ? model : placed(model) }),
  };
}
