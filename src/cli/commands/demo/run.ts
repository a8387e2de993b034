import type { Run } from '../../command.js';
import { runDemo } from '../../demo/run.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = runDemo;
