import process from 'node:process';
import type { CellCommand } from '../../study/ablate.js';

/** What runs one cell of a study: this program as it was itself started. */
export const cellCommand = (): CellCommand => [
  process.execPath,
  ...process.execArgv,
  process.argv[1]!,
  'ablate',
  'cell',
];
