import { describe, expect, it } from 'vitest';
import { flagsOf, nameOf } from '../../src/cli/flags.js';
import { COMMANDS } from '../../src/cli/registry.js';
import { vocabularyOf } from '../../src/cli/wording.js';
import { jsonSchemaOf } from '../../src/config/from-zod.js';
import { wordText } from '../../src/core/remedies.js';
import { pageOf } from './pages.js';
import { TOYS } from './toys.js';

const named = COMMANDS.map((entry) => [nameOf(entry.command), entry] as const);

/** Names of the flags that a page describes, in its order: those at the start of a line, above the examples. */
const flagsOn = (page: string) =>
  [...page.split('\nExamples:')[0]!.matchAll(/^ {2}(?:-h, | {4})?--([\w.-]+)/gm)].map(([, name]) => name!);

/** Options that a heading, or the short page, names: itself, or all that are in it. */
const within = (option: string, paths: readonly string[]) =>
  paths.filter((path) => path === option || path.startsWith(`${option}.`));

describe.each(named)('help of %s', (name, entry) => {
  it('shows every flag of the schema under --help-all', async () => {
    const command = await entry.options();
    const page = await pageOf([...name.split(' '), '--help-all']);
    const flags = flagsOf(jsonSchemaOf(command.schema)).map((flag) => flag.name);
    const words = [...page.matchAll(/^ {2}([a-z][\w-]*) {2}/gm)].map(([, word]) => word!);
    expect([...flagsOn(page), ...words]).toEqual(expect.arrayContaining(flags));
    expect(new Set(flagsOn(page)).size).toBe(flagsOn(page).length);
  });

  it('has each option under one heading, and names only options that there are', async () => {
    const { schema, groups, first = [] } = await entry.options();
    const paths = flagsOf(jsonSchemaOf(schema)).map(({ path }) => path.join('.'));
    const listed = Object.values(groups ?? { Flags: paths }).flat();
    expect(listed.flatMap((option) => within(option, paths)).sort()).toEqual([...paths].sort());
    for (const option of [...listed, ...first]) expect(within(option, paths), option).not.toEqual([]);
  });

  it('names options as flags', async () => {
    const command = await entry.options();
    const json = jsonSchemaOf(command.schema);
    const flags = flagsOf(json);
    const vocabulary = vocabularyOf(command, json);
    const keys = flags.map(({ path }) => path.at(-1)!).filter((key) => /[A-Z]/.test(key));
    for (const { name: flag, schema } of flags) {
      const words = wordText(schema.description ?? '', vocabulary).split(/[^\w.]+/);
      expect(
        words.filter((word) => keys.includes(word)),
        `--${flag}`,
      ).toEqual([]);
    }
  });

  it('fits one screen if it shows only some flags, and says where the others are', async () => {
    const { first, schema, recipe = false } = await entry.options();
    const page = await pageOf([...name.split(' '), '--help']);
    if (first === undefined) {
      expect(page).toBe(await pageOf([...name.split(' '), '--help-all']));
      return;
    }
    const lines = page.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(page).toContain(`phasetune ${name} --help-all shows all flags`);
    const paths = flagsOf(jsonSchemaOf(schema)).map(({ path }) => path.join('.'));
    expect(flagsOn(page).length).toBe(first.flatMap((option) => within(option, paths)).length + (recipe ? 2 : 0));
  });
});

describe('train --help', () => {
  it('shows ten flags, those needed for a run at the top', async () => {
    const { first } = await COMMANDS.find(({ command }) => command === 'train')!.options();
    expect(first!.length).toBeLessThanOrEqual(10);
    expect(flagsOn(await pageOf(['train', '--help'])).slice(0, 3)).toEqual(['model', 'data', 'out']);
  });

  it('groups all of them under headings, in order', async () => {
    const page = await pageOf(['train', '--help-all']);
    const headings = [...page.matchAll(/^([A-Z][\w ]+):$/gm)].map(([, heading]) => heading!);
    expect(headings).toEqual(expect.arrayContaining(['Model and data', 'Batches', 'LoRA', 'Checkpoints', 'Recipe']));
    expect(headings.indexOf('Model and data')).toBeLessThan(headings.indexOf('LoRA'));
    expect(headings).not.toContain('Other');
  });
});

it('translates names of options in help texts to flags', async () => {
  const page = await pageOf(['toy', 'echo', '--help'], { commands: TOYS, columns: 120 });
  expect(page).toMatch(/--rate +Rate, beside --max-length and <file>, not `lora` or `other`/);
});
