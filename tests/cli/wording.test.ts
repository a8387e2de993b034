import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineCommand } from '../../src/cli/command.js';
import { run } from '../../src/cli/run.js';
import { vocabularyOf } from '../../src/cli/wording.js';
import { jsonSchemaOf } from '../../src/config/from-zod.js';
import { dataError } from '../../src/core/errors.js';
import { wordRemedies, wordText } from '../../src/core/remedies.js';
import { openTerminal } from '../../src/telemetry/terminal.js';
import { lastJson } from './child.js';
import { pageOf } from './pages.js';
import { TOYS, toy } from './toys.js';

const echo = await TOYS[0]!.options();
const vocabulary = vocabularyOf(echo, jsonSchemaOf(echo.schema));

describe('the words of a command', () => {
  it.each([
    ['raise `maxLength`', 'raise --max-length'],
    ['with `order: random` it works', 'with --order random it works'],
    ['`lora.rank` is `lora.rank: 3`', '--lora.rank is --lora.rank 3'],
    ['`shuffle: true`, `shuffle: false`, `shuffle`', '--shuffle, --no-shuffle, --shuffle'],
    ['`file` or `more` is missing', '<file> or <more> is missing'],
    ['`rate: -1`', '--rate=-1'],
    ["`prompt: it's here`", "--prompt 'it'\\''s here'"],
    ['`stages: [{"epochs": 1}]`', '--stages \'[{"epochs": 1}]\''],
    ['the field `score`, `lora`, `lora.rnk` and maxLength', 'the field `score`, `lora`, `lora.rnk` and maxLength'],
    ['run `setup` again, or run `data import`', 'run `phasetune setup` again, or run `phasetune data import SRC`'],
  ])('%s', (text, expected) => expect(wordText(text, vocabulary)).toBe(expected));

  it('name tasks with their positionals and flags', () => {
    const words = wordRemedies(
      [
        { task: 'stage', options: { out: 'DIR', force: true } },
        { task: 'stage', options: { file: 'my rows.jsonl', minShare: 0.5, dedup: false }, note: 'first' },
        { option: 'maxLength', change: 'raise', note: 'above `rate`' },
        { option: 'shuffle', change: 'omit' },
      ],
      vocabulary,
    );
    expect(words).toBe(
      'run `phasetune stage FILE --out DIR --force`, ' +
        "or run `phasetune stage 'my rows.jsonl' --min-share 0.5 --no-dedup` first, " +
        'or raise --max-length above --rate, or leave out --shuffle',
    );
  });
});

/** Meets a row that is too long, as a library function would: with a warning, a line of the result, a text, and an error. */
const cut = toy(
  defineCommand({
    command: 'cut <file>',
    describe: 'Cut rows',
    schema: z.strictObject({
      file: z.string().describe('Rows'),
      maxLength: z.number().default(8).describe('Most tokens'),
      overflow: z.enum(['refuse', 'truncate']).default('refuse').describe('What to do beyond `maxLength`'),
    }),
  }),
  async ({ file }, { logger, print, printText }) => {
    logger.warn(`${file}: 1 row is over \`maxLength\`; run \`inspect rows\` to see it`);
    print('`overflow: truncate` would cut 1 row');
    printText('a row that says `maxLength`');
    throw dataError(`${file}: row 3 has 12 tokens, \`maxLength\` is 8`, {
      file,
      option: 'maxLength',
      row: 3,
      remedies: [
        { option: 'maxLength', change: 'raise' },
        { option: 'overflow', change: 'set', value: 'truncate', note: 'to lose what is over `maxLength`' },
        { task: 'stage', options: { out: 'DIR' } },
      ],
    });
  },
);

describe('an error, a warning and a result of the library', () => {
  async function printed(...args: string[]) {
    let [out, err] = ['', ''];
    const terminal = openTerminal({
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
    });
    const code = await run(['cut', 'rows.jsonl', ...args], [cut], terminal);
    return { code, out, err };
  }

  const message =
    'rows.jsonl: row 3 has 12 tokens, --max-length is 8; raise --max-length, or set --overflow truncate to lose what is over --max-length, ' +
    'or run `phasetune stage FILE --out DIR`';

  it('come out in the words of the command line, texts of others as they are', async () => {
    expect(await printed()).toEqual({
      code: 3,
      out: '--overflow truncate would cut 1 row\na row that says `maxLength`\n',
      err: `warning: rows.jsonl: 1 row is over --max-length; run \`phasetune inspect rows\` to see it\nerror: ${message}\n`,
    });
  });

  it('gives a program the same message, with option and remedies as data', async () => {
    const { out } = await printed('--json');
    expect(lastJson(out)).toEqual({
      error: {
        code: 'data',
        message,
        file: 'rows.jsonl',
        option: 'maxLength',
        row: 3,
        remedies: [
          { option: 'maxLength', change: 'raise' },
          { option: 'overflow', change: 'set', value: 'truncate', note: 'to lose what is over `maxLength`' },
          { task: 'stage', options: { out: 'DIR' } },
        ],
      },
    });
  });

  it('words the warnings of a result under --json as it logs them', async () => {
    const warned = toy(
      defineCommand({
        command: 'warned',
        describe: 'Warn',
        schema: z.strictObject({ maxLength: z.number().default(8).describe('Most tokens') }),
      }),
      async () => ({ rows: '`maxLength`', warnings: ['raise `maxLength`', 'run `setup`'] }),
    );
    const page = await pageOf(['warned', '--json'], { commands: [warned] });
    expect(lastJson(page)).toEqual({
      rows: '`maxLength`',
      warnings: ['raise --max-length', 'run `phasetune setup`'],
    });
  });

  it('leaves the names of options alone that the command does not have', async () => {
    expect(wordText('raise `maxLength`', vocabularyOf())).toBe('raise `maxLength`');
  });
});
