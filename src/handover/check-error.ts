import { PhasetuneError } from '../core/errors.js';
import type { HandoverCheck } from './check.js';

/** The error of a handover in which something is wrong; undefined where nothing is. */
export function checkError({ folder, findings, stages }: HandoverCheck): PhasetuneError | undefined {
  const wrong = [
    ...findings.map((found) => ({ where: '', ...found })),
    ...stages.flatMap(({ stage, findings: ofStage }) =>
      ofStage.map((found) => ({ where: `stage ${stage}: `, ...found })),
    ),
  ];
  const [first] = wrong;
  if (!first) return undefined;
  const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : '';
  return new PhasetuneError('failed', `${folder}: ${first.where}${first.trap}: ${first.problem}${more}`, {
    file: folder,
    traps: wrong.map(({ where, trap }) => `${where}${trap}`).join('; '),
    remedies: [{ advice: first.remedy }],
  });
}
