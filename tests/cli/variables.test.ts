import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TINY } from '../helpers/tokens.js';
import { phasetune } from './in-process.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-variables-'));
  const rows = [1, 2, 3].map((i) => ({
    id: `r${i}`,
    messages: [
      { role: 'user', content: `Say ${i}.` },
      { role: 'assistant', content: `${i}` },
    ],
  }));
  writeFileSync(join(home, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rmSync(home, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

const LOCAL = ['--base-url', 'http://127.0.0.1:9/v1'];
const score = (variables: Record<string, string>, ...args: string[]) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return phasetune('score', join(home, 'rows.jsonl'), '--out', join(home, 'scored.jsonl'), '--force', ...args);
};

describe('variables that are options of other commands', () => {
  it.each<Record<string, string>>([
    { PHASETUNE_EPOCHS: '1' },
    { PHASETUNE_LORA__RANK: '16', PHASETUNE_OPTIM__LEARNING_RATE: '1e-4' },
    { PHASETUNE_DATA: 'staged', PHASETUNE_KILLS: '3' },
    // Not even looked at.
    { PHASETUNE_EPOCHS: 'many' },
  ])('are left out: %j', async (variables) => {
    const { code, err } = await score(variables, '--model', 'm', '--dry-run', ...LOCAL);
    expect(err).not.toContain('error');
    expect(code).toBe(0);
  });

  it.each([
    [{ PHASETUNE_EPOHCS: '1' }, 'PHASETUNE_EPOHCS: unknown option (did you mean "PHASETUNE_EPOCHS"?)'],
    [{ PHASETUNE_LORA__RNK: '1' }, 'PHASETUNE_LORA__RNK: unknown option (did you mean "PHASETUNE_LORA__RANK"?)'],
    [{ PHASETUNE_EPOCHS__X: '1' }, 'PHASETUNE_EPOCHS__X: unknown option'],
    [
      { PHASETUNE_EPOCHS: '1', PHASETUNE_CONCURENCY: '1' },
      'PHASETUNE_CONCURENCY: unknown option (did you mean "PHASETUNE_CONCURRENCY"?)',
    ],
  ])('do not make typos right: %j', async (variables, message) => {
    const { code, err } = await score(variables, '--model', 'm', '--dry-run', ...LOCAL);
    expect(code).toBe(2);
    expect(err).toContain(`error: ${message}`);
  });

  it('are left out of training in the same way', async () => {
    for (const [name, value] of [
      ['PHASETUNE_CONCURRENCY', '3'],
      ['PHASETUNE_KILLS', '2'],
    ] as const)
      vi.stubEnv(name, value);
    const { err } = await phasetune('train', '--model', TINY, '--data', join(home, 'none'), '--out', join(home, 'run'));
    expect(err).toContain('not a staged folder');
  });
});

describe('PHASETUNE_MODEL', () => {
  it('is a folder: it names no judge', async () => {
    const { code, err } = await score({ PHASETUNE_MODEL: TINY }, ...LOCAL);
    expect(code).toBe(2);
    expect(err).toBe(
      'error: PHASETUNE_MODEL is a model folder, to train or to score with --scorer loss; set --model to the name of the judge, here or in a recipe\n',
    );
    const named = await score({ PHASETUNE_MODEL: TINY }, '--model', 'a-judge', '--dry-run', ...LOCAL);
    expect(named).toMatchObject({ code: 0, err: expect.stringContaining('requests to a-judge at 127.0.0.1:9') });
    writeFileSync(join(home, 'judge.yaml'), 'model: a-judge\n');
    const recipe = await score({ PHASETUNE_MODEL: TINY }, '--config', join(home, 'judge.yaml'), '--dry-run', ...LOCAL);
    expect(recipe).toMatchObject({ code: 0, err: expect.stringContaining('requests to a-judge at 127.0.0.1:9') });
  });

  it('counts the tokens of rows where that is the scorer, by flag or by variable', async () => {
    const flag = await score({ PHASETUNE_MODEL: TINY }, '--scorer', 'length', '--length-of', 'answer');
    expect(flag.code).toBe(0);
    const variable = await score({ PHASETUNE_MODEL: join(home, 'none'), PHASETUNE_SCORER: 'length' });
    expect(variable).toMatchObject({ code: 3, err: expect.stringContaining(join(home, 'none')) });
  });
});
