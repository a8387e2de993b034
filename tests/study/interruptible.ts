import * as z from 'zod';
import { defineCommand } from '../../src/cli/command.js';
import { runProcess } from '../../src/cli/process.js';
import { taskHooks } from '../../src/cli/task-hooks.js';
import { readStudy } from '../../src/study/study-record.js';
import { toy } from '../cli/toys.js';
import { runAll } from './fake.js';

/**
 * `interruptible.ts study FOLDER`: runs a study whose cells only pretend to train, as a command
 * that can be interrupted.
 */
const command = toy(
  defineCommand({ command: 'study <folder>', describe: 'Run', schema: z.strictObject({ folder: z.string() }) }),
  async ({ folder }, context) => {
    const { error } = await runAll(await readStudy(folder), {}, taskHooks(context));
    if (error) throw error;
    return {};
  },
);

await runProcess([command]);
