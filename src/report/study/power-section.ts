import { groupOf } from '../../study/cell.js';
import type { PageBlock, PageCell, Section } from '../page.js';
import { fullColumns } from '../parts/columns.js';
import { cell, numberCell } from '../parts/shown.js';
import type { StudyReport } from './read-study-report.js';

const percent = (share: number): PageCell => cell(`${Math.round(100 * share)} %`, share);

/** What pairing saved, where the variance comes from, and what the study could have found. */
export function powerSection({ results }: StudyReport): Section[] {
  const { components, comparisons, metric, unit } = results;
  const powered = comparisons.filter(({ power }) => Number.isFinite(power.leastDifference));
  const blocks: PageBlock[] = [];
  if (components.length > 0)
    blocks.push(
      fullColumns({
        caption: 'Where the variance comes from',
        rows: [
          ['axes', 'blocks', 'between arms', 'between blocks', 'rest', 'correlation within blocks', 'saved by pairing'],
          ...components.map(({ axes, blocks, arms, block, rest, pairing, saved }) => [
            groupOf({ axes }),
            String(blocks),
            percent(arms),
            percent(block),
            percent(rest),
            numberCell(pairing, 2),
            percent(saved),
          ]),
        ],
      }),
      {
        kind: 'paragraph',
        text: 'Arms are compared within blocks of one seed and one split. Where blocks differ much, pairing takes that out of the difference; a negative correlation means that it took out nothing.',
      },
    );
  if (powered.length > 0)
    blocks.push(
      fullColumns({
        caption: `What a study like this one finds with power 0.8, by the spread that was measured, ${metric.unit}`,
        left: 2,
        rows: [
          [
            'axes',
            'arm',
            `${unit}s`,
            'sd of a difference',
            'smallest difference found',
            `${unit}s that find the margin`,
          ],
          ...powered.map(({ axes, arm, units, sd, power }) => [
            groupOf({ axes }),
            arm,
            String(units),
            numberCell(sd, 3),
            numberCell(power.leastDifference, 3),
            power.seedsForMargin === null ? '-' : String(power.seedsForMargin),
          ]),
        ],
      }),
    );
  return blocks.length === 0 ? [] : [{ id: 'power', title: 'Pairing and power', blocks }];
}
