import { formatCounted } from '../../telemetry/format.js';
import type { Figure, PageBlock } from '../page.js';

/** Pictures of one kind that are on a page: more take a browser seconds and a reader hours. */
export const MOST_PICTURES = 24;

/** Pictures of one kind next to each other, and how many more there would be. */
export function panelBlocks(figures: readonly Figure[], all = figures.length): PageBlock[] {
  const left = all - Math.min(figures.length, MOST_PICTURES);
  const more = `${formatCounted(left, 'more picture')} would not fit; the values are in the data of this page.`;
  return [
    { kind: 'panels', figures: figures.slice(0, MOST_PICTURES) },
    ...(left > 0 ? [{ kind: 'paragraph', text: more } as const] : []),
  ];
}
