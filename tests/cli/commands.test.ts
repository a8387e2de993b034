import { existsSync, readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { flagName, flagsOf, nameOf, positionalsOf } from '../../src/cli/flags.js';
import { COMMANDS } from '../../src/cli/registry.js';
import { jsonSchemaOf } from '../../src/config/from-zod.js';
import { lastJson, ROOT, start } from './child.js';

const BUILT = 'dist/cli/main.js';
const built = existsSync(ROOT + BUILT);

it('names flags by their keys, word by word', () => {
  expect(flagName(['lora', 'useRslora'])).toBe('lora.use-rslora');
  expect(flagName(['loadIn8bit'])).toBe('load-in-8bit');
});

const named = COMMANDS.map((entry) => [nameOf(entry.command), entry] as const);

describe('the commands', () => {
  it('are all registered: no file in commands/ is forgotten', async () => {
    const registered = new Set<unknown>();
    for (const { options, run } of COMMANDS) registered.add(await options()).add(await run());
    const folder = `${ROOT}src/cli/commands/`;
    const files = readdirSync(folder, { recursive: true }).map(String);
    for (const file of files.filter((name) => /(options|run)\.ts$/.test(name))) {
      const module = (await import(folder + file)) as Record<string, never>;
      for (const [name, value] of Object.entries(module)) expect(registered, `${file}: ${name}`).toContain(value);
    }
  });

  it.each(named)('%s is listed as it describes itself', async (name, registered) => {
    const command = await registered.options();
    const schema = jsonSchemaOf(command.schema);
    const flags = flagsOf(schema);
    expect(registered.describe).toBe(command.describe);
    expect(registered.command).toBe(command.command);
    expect(schema.additionalProperties, 'a strict schema').toBe(false);
    for (const flag of flags) expect(flag.schema.description, `--${flag.name}`).toBeTruthy();
    for (const { name: word } of positionalsOf(command.command)) expect(flags.map((flag) => flag.name)).toContain(word);
    for (const [line] of command.examples ?? []) expect(line).toContain(`phasetune ${name}`);
  });
});

describe('loading the commands', () => {
  it('does not load TensorFlow: help and usage errors come without it', async () => {
    const { pages, before, after } = lastJson((await start('tests/cli/load-all.ts', []).ended).out);
    expect(pages).toBe(2 * COMMANDS.length);
    expect(after).toBeGreaterThan(0);
    expect(before).toBe(0);
  });
});

describe.skipIf(!built)(`${BUILT}${built ? '' : ' (skipped: not built; npm run build)'}`, () => {
  const timed = async (entry: string, args: string[]) => {
    const begin = performance.now();
    const ended = await start(entry, args).ended;
    return { ...ended, ms: performance.now() - begin };
  };

  it('answers --help quickly', async () => {
    const bare: number[] = [];
    const help: number[] = [];
    for (let i = 0; i < 3; i++) {
      bare.push((await timed('tests/cli/empty.mjs', [])).ms);
      const run = await timed(BUILT, ['--help']);
      expect(run).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^Usage: phasetune/) });
      help.push(run.ms);
    }
    const [least, best] = [Math.min(...bare), Math.min(...help)];
    console.log(`phasetune --help: ${best.toFixed(0)} ms; node alone: ${least.toFixed(0)} ms`);
    expect(best / least, 'starts of node that it takes').toBeLessThan(10);
  });
});
