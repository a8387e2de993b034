import * as z from 'zod';
import { defineCommand } from '../../src/cli/command.js';
import { runProcess } from '../../src/cli/process.js';
import { taskHooks } from '../../src/cli/task-hooks.js';
import { runCell } from '../../src/study/run-cell.js';
import { toy } from '../cli/toys.js';

/** `cell FOLDER INDEX`: runs one cell of a study, as an executor starts it. */
const cell = toy(
  defineCommand({
    command: 'cell <folder> <index>',
    describe: 'Run a cell',
    schema: z.strictObject({ folder: z.string(), index: z.coerce.number().int() }),
  }),
  async (options, context) => {
    const { adapter } = await runCell(options, taskHooks(context)).result;
    return { adapter };
  },
);

await runProcess([cell]);
