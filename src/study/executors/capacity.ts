import { availableParallelism } from 'node:os';
import { memoryLimits } from '../../io/memory-limits.js';
import type { Cell } from '../cell.js';
import type { ExecutorOptions } from '../study-file.js';

/** What this machine has for cells. */
export interface Machine {
  readonly cores: number;
  /** Undefined where the system does not report it. */
  readonly freeBytes: number | undefined;
  /** Cells compute on a card, which one of them fills. */
  readonly onCard: boolean;
}

/** How many cells run at once on a machine, and what does not fit, in plain words. */
export interface Capacity {
  readonly parallel: number;
  readonly warnings: readonly string[];
}

/** Share of the free memory that cells may take by their forecasts. */
const MEMORY_SHARE = 0.85;

/** This machine as it is now. */
export const thisMachine = (onCard: boolean): Machine => ({
  cores: availableParallelism(),
  freeBytes: memoryLimits()[0]?.bytes,
  onCard,
});

/** Threads of each cell where the study file does not say: all cores shared by the cells that run at once. */
export const threadsFor = (
  { parallel = 1, threads }: Pick<ExecutorOptions, 'parallel' | 'threads'>,
  cores = availableParallelism(),
): number => threads ?? Math.max(1, Math.floor(cores / parallel));

/**
 * How many cells run at once on a machine: as many as asked for, otherwise as many as there are cores for their
 * threads, and memory for what they are forecast to take; one on a card.
 */
export function capacityOf(
  { parallel, threads }: Pick<ExecutorOptions, 'parallel' | 'threads'>,
  cells: readonly Pick<Cell, 'forecast'>[],
  { cores, freeBytes, onCard }: Machine,
): Capacity {
  const each = threadsFor({ parallel, threads }, cores);
  const largest = cells.reduce((most, { forecast }) => Math.max(most, forecast.memoryBytes ?? 0), 0);
  const room = largest > 0 && freeBytes !== undefined ? Math.floor((MEMORY_SHARE * freeBytes) / largest) : cores;
  if (parallel === undefined)
    return { parallel: onCard ? 1 : Math.max(1, Math.min(Math.floor(cores / each), room)), warnings: [] };
  const warnings: string[] = [];
  if (!onCard && parallel * each > Math.max(cores, each))
    warnings.push(
      `${parallel} cells at once, of ${each} threads each, share ${cores} cores: the study has fixed threads`,
    );
  if (!onCard && parallel > Math.max(1, room))
    warnings.push(
      `${parallel} cells at once are forecast to take ${gib(parallel * largest)} of memory, and ${gib(freeBytes!)} are free`,
    );
  return { parallel, warnings };
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
