import { groupOf } from '../../study/cell.js';
import type { PageBlock, Section } from '../page.js';
import { matrixBlocks } from '../parts/matrix.js';
import type { StudyReport } from './read-study-report.js';

/** The forgetting matrix of each arm, the mean over its cells. */
export function matrixSection({ results }: StudyReport): Section[] {
  const arms = results.arms.filter(({ matrix }) => matrix.length > 0);
  if (arms.length === 0) return [];
  const blocks = arms.flatMap(({ arm, axes, n, matrix }, i): PageBlock[] => {
    const group = groupOf({ axes });
    return matrixBlocks({
      id: `matrix-${i + 1}`,
      title: `${group === '' ? '' : `${group}: `}${arm}, mean of ${n}`,
      bands: matrix[0]!.losses.map((_, band) => `band ${band + 1}`),
      rows: matrix,
    });
  });
  return [
    {
      id: 'matrix',
      title: 'What each stage taught, and what it cost',
      blocks: [
        {
          kind: 'paragraph',
          text: `The loss on held-out rows of each band of difficulty, before training and after each stage, mean over the cells. Lower is better. Bands are those that ${results.control} has.`,
        },
        ...blocks,
      ],
    },
  ];
}
