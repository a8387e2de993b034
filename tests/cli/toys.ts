import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type Command, defineCommand, type Run } from '../../src/cli/command.js';
import type { Registered } from '../../src/cli/registry.js';
import { dataError } from '../../src/core/errors.js';

/** A command and its work as the registry has them. */
export const toy = <S extends z.ZodObject>(command: Command<S>, run: Run<Command<S>>): Registered => ({
  command: command.command,
  describe: command.describe,
  options: async () => command as unknown as Command,
  run: async () => run as unknown as Run,
});

/** Says what it was given. */
const echo = toy(
  defineCommand({
    command: 'toy echo <file> [more..]',
    describe: 'Say what was given',
    recipe: true,
    schema: z.strictObject({
      file: z.string().min(1).describe('File to read'),
      more: z.array(z.string()).default([]).describe('More files'),
      maxLength: z.number().int().min(1).max(4096).default(512).describe('Longest row in tokens'),
      rate: z.number().positive().default(0.1).describe('Rate, beside `maxLength` and `file`, not `lora` or `other`'),
      order: z.enum(['phased', 'random']).default('phased').describe('Order'),
      targets: z
        .union([z.literal('all-linear'), z.array(z.string()).min(1)])
        .default('all-linear')
        .describe('Layers'),
      thresholds: z.array(z.number()).optional().describe('Cuts'),
      prompt: z.array(z.string()).default([]).meta({ repeat: true }).describe('Prompts'),
      shuffle: z.boolean().default(true).describe('Shuffle'),
      lora: z
        .strictObject({
          rank: z.number().int().min(1).default(8).describe('Rank'),
          useRslora: z.boolean().default(false),
        })
        .prefault({}),
      stages: z.array(z.strictObject({ epochs: z.number().positive() })).default([]),
      cap: z.number().nullable().default(null),
      log: z
        .union([z.boolean(), z.string().min(1)])
        .optional()
        .describe('Also log, to this file or to the usual one'),
    }),
    examples: [['phasetune toy echo rows.jsonl', 'says it']],
  }),
  async (options, { print, logger }) => {
    logger.info(`token is ${process.env.SOME_TOKEN}`);
    logger.debug('detail');
    print(`file ${options.file}`);
    return options;
  },
);

/** Fails in the way that is asked for. */
const fail = toy(
  defineCommand({
    command: 'fail <how>',
    describe: 'Fail',
    schema: z.strictObject({ how: z.enum(['data', 'defect', 'file']) }),
  }),
  async ({ how }) => {
    if (how === 'data')
      throw dataError(`rows.jsonl:3: ${process.env.SOME_TOKEN} is no score`, { file: 'rows.jsonl', line: 3 });
    if (how === 'file') await (await import('node:fs/promises')).readFile('/no/such/file');
    throw new TypeError('a defect');
  },
);

/** Shares its first word with a command of that word alone. */
const failNot = toy(
  defineCommand({
    command: 'fail not <word>',
    describe: 'Do not fail',
    schema: z.strictObject({ word: z.string().describe('Word to say') }),
  }),
  async ({ word }, { print }) => {
    print(`${word} went well`);
    return { word };
  },
);

/** Waits to be interrupted and then saves, never hears of it, never gets done, or throws what aborted calls throw. */
const wait = toy(
  defineCommand({
    command: 'wait <way>',
    describe: 'Wait',
    schema: z.strictObject({
      way: z.enum(['save', 'ignore', 'hang', 'throw']).describe('What to do when interrupted'),
    }),
  }),
  async ({ way }, context) => {
    const signal = way === 'ignore' ? undefined : context.signal;
    const timer = setTimeout(() => {}, 20_000);
    context.print('waiting');
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => way === 'hang' || resolve()));
    clearTimeout(timer);
    if (way === 'throw') throw new DOMException('This operation was aborted', 'AbortError');
    context.print('saved');
    return {};
  },
);

/** Prints many lines, and writes a file in the end; with `onlyPrint` there is no file, and nobody waits for the end. */
const work = toy(
  defineCommand({
    command: 'work <file>',
    describe: 'Work',
    schema: z.strictObject({
      file: z.string().describe('File to write'),
      onlyPrint: z.boolean().default(false),
      fail: z.boolean().default(false),
    }),
    onlyPrints: ({ onlyPrint }) => onlyPrint,
  }),
  async ({ file, onlyPrint, fail: bad }, { print, logger, progress }) => {
    const bar = progress({ label: 'work', total: 20, unit: 'lines' });
    for (let line = 1; line <= 20; line++) {
      print(`line ${line}`);
      logger.info(`did ${line}`);
      bar.update(line);
      await sleep(20);
    }
    bar.finish();
    if (!onlyPrint) await writeFile(file, 'done');
    if (bad) throw dataError('a bad end');
    return { done: 20 };
  },
);

/** Prints a text in every way that there is. */
const say = toy(
  defineCommand({
    command: 'say <text>',
    describe: 'Say a text',
    schema: z.strictObject({ text: z.string().describe('Text, as JSON') }),
  }),
  async ({ text }, { print, printText, printData, logger, progress }) => {
    const said = JSON.parse(text) as string;
    print(`print ${said}`);
    print(['styled ', { text: said, sgr: [1] }]);
    printText(`text ${said}`);
    printData(`data ${said}`);
    logger.info(`info ${said}`);
    logger.warn(`warn ${said}`);
    logger.debug(`debug ${said}`);
    const bar = progress({ label: `label ${said}`, total: 2, unit: `units ${said}` });
    bar.update(1, `note ${said}`);
    bar.update(2, `note ${said}`);
    bar.finish();
    if (said.includes('fail')) throw new Error(`fail ${said}`);
    return { [said]: said };
  },
);

/** Commands that stand in for real ones: the command line's manners are tested on them. */
export const TOYS: readonly Registered[] = [echo, fail, failNot, wait, work, say];
