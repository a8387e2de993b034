import type { Results } from '../../study/results/results.js';
import { resultsBlocks } from '../../study/results/summary.js';
import { plainLines } from '../../telemetry/document.js';
import type { CommandContext } from '../command.js';

/** Prints the warnings, then a table of the arms, then the answer about each of them and what is missing. */
export function printResults(results: Results, { print, logger }: Pick<CommandContext, 'print' | 'logger'>): void {
  for (const warning of results.warnings) logger.warn(warning);
  for (const line of plainLines(resultsBlocks(results))) print(line);
}
