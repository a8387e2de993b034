import { escapeControls } from '../core/escape.js';
import { hide } from '../telemetry/redact.js';
import type { RunStartEvent } from '../train/events.js';
import type { RunFile } from '../train/run-file.js';
import { hyperparametersOf } from './hyperparameters.js';

/** Text that Markdown and HTML take for nothing but text, on one line. */
const plain = (text: string): string =>
  escapeControls(hide(text)).replace(/[^\p{L}\p{N} .,:;/()=+%-]/gu, (mark) => `&#${mark.codePointAt(0)};`);

const row = (cells: readonly (string | number)[]): string =>
  `| ${cells.map((cell) => plain(String(cell))).join(' | ')} |`;

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
];

/** What a run is, as Markdown: its stages, its options and its versions. */
export function runText({ stages }: RunStartEvent, { recipe, versions }: Pick<RunFile, 'recipe' | 'versions'>): string {
  const head = ['stage', 'rows', 'replayed', 'steps', 'trained tokens'];
  return [
    ...table(
      head,
      stages.map(({ label, rows, replayed, steps, trainedTokens }) => [label, rows, replayed, steps, trainedTokens]),
    ),
    '',
    ...table(
      ['option', 'value'],
      Object.entries(hyperparametersOf(recipe)).map(([name, value]) => [name, String(value)]),
    ),
    '',
    ...table(['version', ''], Object.entries(versions)),
  ].join('\n');
}
