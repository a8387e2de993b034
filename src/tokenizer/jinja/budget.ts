import { TemplateError } from './errors.js';

/**
 * Counts what a template does, and stops it when it does more than a conversation of its size can
 * need. Work is counted, not timed: the same template and conversation end in the same way on every
 * machine.
 */
export interface Budget {
  /** Parts that are evaluated, elements that are visited. */
  step(count?: number): void;
  /** Characters that are made or searched. */
  spend(characters: number): void;
  /** Characters of one text, or 32 for each element of a list, that is about to be made. */
  size(characters: number): void;
}

/** Cost of a character that this code inspects, and not the JavaScript engine. */
export const INSPECTION = 16;

/** Cost of a character that becomes a separate text. */
export const SLICE = 1024;

/** Cost of a list's element in characters: about its size in memory. */
export const ELEMENT = 32;

const stop = (what: string) =>
  new TemplateError(`it was stopped because it ${what}; a chat template only writes turns one after another`);

/** Bounds far above what the templates of published models do, which is a few hundred parts for a turn. */
export function createBudget(turns: number, characters: number): Budget {
  const most = {
    work: 500_000 + 5000 * turns + 50 * turns * turns,
    // Some templates look at all turns for each turn.
    volume: 32_000_000 + 1000 * characters + Math.min(1e9, 4 * turns * characters),
    size: 1_000_000 + 64 * characters,
  };
  let work = 0;
  let volume = 0;
  return {
    step(count = 1) {
      work += count;
      if (work > most.work) throw stop(`does not end (over ${most.work} steps)`);
    },
    spend(count) {
      volume += count;
      if (volume > most.volume) throw stop(`makes more than ${most.volume} characters`);
    },
    size(count) {
      if (count > most.size) throw stop(`makes a value of more than ${most.size} characters`);
    },
  };
}
