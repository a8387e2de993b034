import { shellWord } from '../../core/shell-word.js';
import type { Cell } from '../cell.js';

/** What the cells of a Job are run by. */
export interface PodCommand {
  /** Program and first words that are phasetune. */
  readonly program: readonly string[];
  /** The study's folder, an absolute path. */
  readonly folder: string;
  /** The cells, in the order of the Job's completion indices. */
  readonly cells: readonly Pick<Cell, 'index'>[];
}

/**
 * A script for `sh -c` that runs the cell of the completion index in `JOB_COMPLETION_INDEX`: cells are listed in it, so
 * that a Job can have any of them. The shell becomes the program, which is asked to stop itself then and whose exit
 * status is the container's.
 */
export const podScript = ({ program, folder, cells }: PodCommand): string =>
  [
    `set -- ${cells.map(({ index }) => index).join(' ')}`,
    'shift "$JOB_COMPLETION_INDEX"',
    `exec ${[...program, 'ablate', 'cell', folder].map(shellWord).join(' ')} "$1"`,
    '',
  ].join('\n');

/**
 * A text as it is written in `command`, `args` and `env` of a container, where Kubernetes replaces `$(NAME)` and takes
 * `$$` for `$`.
 */
export const literal = (text: string): string => text.replace(/\$(?=[$(])/g, () => '$$');
