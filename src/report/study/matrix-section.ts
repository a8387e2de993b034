import { groupOf } from '../../study/cell.js';
import type { Section } from '../page.js';
import { largestChange, matrixFigure, type ShownMatrix } from '../parts/matrix.js';
import { MOST_PICTURES, panelBlocks } from '../parts/panels.js';
import type { StudyReport } from './read-study-report.js';

/** The forgetting matrix of each arm, the mean over its cells. */
export function matrixSection({ results }: StudyReport): Section[] {
  const arms = results.arms.filter(({ matrix }) => matrix.length > 0);
  if (arms.length === 0) return [];
  const matrices = arms.map(({ arm, axes, n, matrix }, i): ShownMatrix => {
    const group = groupOf({ axes });
    return {
      id: `matrix-${i + 1}`,
      title: `${group === '' ? '' : `${group}: `}${arm}, mean of ${n}`,
      bands: matrix[0]!.losses.map((_, band) => `band ${band + 1}`),
      rows: matrix,
    };
  });
  const strongest = Math.max(...matrices.map(largestChange));
  return [
    {
      id: 'matrix',
      title: 'What each stage taught, and what it cost',
      blocks: [
        {
          kind: 'paragraph',
          text: `The loss on held-out rows of each band of difficulty, before training and after each stage, mean over the cells. Lower is better. Bands are those that ${results.control} has.`,
        },
        ...panelBlocks(
          matrices.slice(0, MOST_PICTURES).map((matrix) => matrixFigure(matrix, strongest)),
          matrices.length,
        ),
      ],
    },
  ];
}
