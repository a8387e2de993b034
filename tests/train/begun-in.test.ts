import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findInputs, recordInputs } from '../../src/train/begun-in.js';

let home: string;
const at = (name: string) => join(home, name);
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-begun-'));
  for (const folder of ['a/staged', 'a/model', 'b/model', 'b/other', 'c/staged', 'c/model'])
    mkdirSync(at(folder), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true }));

const run = (folder: string | undefined, model = 'model', data = 'staged', status: 'running' | 'done' = 'running') => ({
  status,
  recipe: { model, data, seed: 3 },
  ...(folder !== undefined && { begunIn: at(folder) }),
});

test('relative inputs are those of the folder that the run was started in, and stay written as they were', () => {
  const found = findInputs('run', run('a'), at('b'), {}) as { model: string; data: string };
  expect(found).toEqual({ model: at('a/model'), data: at('a/staged'), seed: 3 });
  expect(recordInputs(found, run('a'), at('b'))).toEqual({ recipe: run('a').recipe, begunIn: at('a') });
});

test('a run of before the folder was written down says so where its inputs are not here', () => {
  expect(() => findInputs('run', run(undefined), at('b'), {})).toThrow(
    `run: the run was started in a folder that it does not name, with \`data: staged\`; there is no ${at('b/staged')} now; set \`data\` to where it is`,
  );
  expect(findInputs('run', run(undefined), at('c'), {})).toEqual(run(undefined).recipe);
});

test('in the same folder, in runs of before it was written down, and in absolute paths there is nothing to find', () => {
  for (const [one, here] of [
    [run('a'), at('a')],
    [run(undefined), at('a')],
  ] as const) {
    expect(findInputs('run', one, here, {})).toEqual(one.recipe);
    expect(recordInputs({ model: 'model', data: 'staged' }, one, here)).toEqual({
      recipe: { model: 'model', data: 'staged' },
      begunIn: here,
    });
  }
  const absolute = run('a', at('gone/model'), at('a/staged'));
  expect(findInputs('run', absolute, at('b'), {})).toEqual(absolute.recipe);
});

test('a project that was moved as a whole is found where it is now', () => {
  const found = findInputs('run', run('gone'), at('c'), {}) as { model: string; data: string };
  expect(found).toMatchObject({ model: 'model', data: 'staged' });
  expect(recordInputs(found, run('gone'), at('c'))).toEqual({ recipe: found, begunIn: at('c') });
});

test('an input that is nowhere is reported with where it lay; one that is given, or of a run that is done, is not looked for', () => {
  const gone = run('a', 'model', 'gone');
  expect(() => findInputs('out/run', gone, at('b'), {})).toThrow(
    `out/run: the run was started in ${at('a')}, with \`data: gone\`; there is no ${at('a/gone')} now; set \`data\` to where it is`,
  );
  const found = findInputs('out/run', gone, at('b'), { data: 'other' });
  expect(found).toMatchObject({ model: at('a/model'), data: 'gone' });
  expect(recordInputs({ model: at('a/model'), data: 'other' }, gone, at('b'))).toEqual({
    recipe: { model: 'model', data: at('b/other') },
    begunIn: at('a'),
  });
  const done = run('a', 'model', 'gone', 'done');
  expect(findInputs('out/run', done, at('b'), {})).toEqual(done.recipe);
});
