import { metricKey } from './results/figures.js';
import { analysisRules } from './results/rules.js';
import type { StudyFile } from './study-file.js';
import type { StudyRecord } from './study-record.js';

/** The analysis of a decided study, written down before its first run. */
export function analysisOf(study: StudyFile): StudyRecord['analysis'] {
  const { metric, alpha, control, compare = [] } = study;
  const heldOut = 'held-out' in metric;
  return {
    metric: metricKey(metric),
    unit: heldOut ? 'nats' : 'points',
    better: heldOut ? 'lower' : 'higher',
    margin: metric.margin ?? null,
    alpha,
    control,
    compare: [...compare],
    rules: analysisRules(study),
  };
}
