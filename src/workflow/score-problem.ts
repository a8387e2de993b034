import { dataError, PhasetuneError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import type { AskResult } from '../endpoint/scheduler/ask-types.js';
import type { ScoresManifest } from '../scoring/scored.js';
import { formatCount } from '../telemetry/format.js';

/** How asking went. */
interface Asking {
  readonly ledger: string;
  /** Undefined where nothing was asked. */
  readonly asked: AskResult | undefined;
}

/** Why judged rows are not all scored: an error of code `endpoint`, undefined where they are. */
export function judgingProblem(
  out: string,
  manifest: ScoresManifest,
  { ledger, asked }: Asking,
): PhasetuneError | undefined {
  const { counts, reasons } = manifest;
  if (counts.unscored === 0 && counts.scored > 0) return undefined;
  const { requests, cost } = asked?.totals ?? {};
  const fields = { ...counts, ledger, ...(asked && { requests, cost }) };
  if (counts.scored === 0) return new PhasetuneError('endpoint', noneScored('', manifest), fields);
  const which = Object.entries(reasons).map(([kind, rows]) => `${kind} ${formatCount(rows)}`);
  const larger = asked?.stopped === 'max-cost' ? 'a larger `maxCost`' : 'the same options';
  const remedies: readonly Remedy[] = [
    { task: 'score', note: `again with ${larger} to ask for the missing ones` },
    { task: 'stage', options: { unscored: 'drop' }, note: 'to leave those rows out' },
  ];
  const { unscored, rows } = counts;
  return new PhasetuneError(
    'endpoint',
    `${formatCount(unscored)} of ${formatCount(rows)} rows ${unscored === 1 ? 'has' : 'have'} no score (${which.join(', ')}); the others are in ${out}`,
    { out, ...fields, remedies },
  );
}

/** Why no row that was scored in process has a score: a data error, undefined where one has. */
export const inProcessProblem = (file: string, manifest: ScoresManifest): PhasetuneError | undefined =>
  manifest.counts.scored > 0 ? undefined : dataError(noneScored(`${file}: `, manifest), { file });

function noneScored(place: string, { counts, failures }: ScoresManifest): string {
  const [first] = failures;
  const why = first ? `; the first: ${first.kind}: ${first.reason}` : '';
  return `${place}none of ${formatCount(counts.rows)} rows has a score${why}`;
}
