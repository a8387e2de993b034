import type { TrainedBy } from '../../train/run-file.js';
import type { PageBlock } from '../page.js';

/** Another engine, and what it computed with, in a few words. */
export const engineText = ({ engine, device, processes, distributed, precision }: TrainedBy): string =>
  [
    engine,
    ...(device === undefined ? [] : [device]),
    processes === 1 ? 'one process' : `${processes} processes${distributed === undefined ? '' : ` (${distributed})`}`,
    precision,
  ].join(', ');

/** How a run that another engine trained differs from one of ours, and what is not known of it. */
export function engineBlocks({ engine, differences, notKnown }: TrainedBy): PageBlock[] {
  return [
    {
      kind: 'paragraph',
      text: `This run was planned here and trained by ${engine}, which was handed the tokens of every step and the first adapter; its stages were checked when it was brought back. Held-out losses, where there are any, were measured here. What the engine did otherwise:`,
    },
    ...(differences.length > 0 ? [{ kind: 'list', items: differences } as const] : []),
    ...(notKnown.length > 0
      ? [{ kind: 'paragraph', text: `The engine did not record ${notKnown.join('; ')}.` } as const]
      : []),
  ];
}
