import { formatCount } from '../telemetry/format.js';
import type { StagingManifest } from './manifest.js';

/** Where the held-out rows are from, if given, and what was found about duplicates and length, a sentence each. */
export function manifestFacts(manifest: StagingManifest): string[] {
  const { duplicates, length, options, holdoutFrom } = manifest;
  const { exact, near, clusters } = duplicates;
  const nearly = options.nearDuplicates > 0 ? `, ${formatCount(near)} near-duplicates` : '';
  const groups = clusters === 1 ? 'the one group of them' : `each of the ${formatCount(clusters)} groups of them`;
  const together = clusters > 0 ? `; ${groups} is on one side` : '';
  const follows = length.spearman === undefined ? '' : `Spearman ${length.spearman.toFixed(2)}; `;
  return [
    ...(holdoutFrom
      ? [`held-out rows: the ${formatCount(holdoutFrom.rows)} of ${holdoutFrom.file}, whatever the cut`]
      : []),
    `duplicate instructions: ${formatCount(exact)} equal${nearly}${together}`,
    `score and length: ${follows}the stages explain ${(100 * length.etaSquared).toFixed(1)} % of the variance of log length`,
  ];
}
