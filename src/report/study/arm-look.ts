import type { StudyReport } from './read-study-report.js';

/** Number of an arm's look: the same arm looks the same in every picture of a study. */
export const armLook = ({ study }: StudyReport['record'], arm: string): number =>
  Math.max(0, Object.keys(study.arms).indexOf(arm));
