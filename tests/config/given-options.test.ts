import { describe, expect, test } from 'vitest';
import * as door from '../../src/index.js';

/** Functions of the door as JavaScript calls them, with the option that is missing first. */
type Call = (options: unknown) => Promise<unknown>;
const calls: readonly (readonly [string, Call, string])[] = [
  ['train', (options) => door.train(options as door.TrainingInput).result, 'model'],
  ['score', (options) => door.score(options as door.ScoreOptions).result, 'file'],
  ['stage', (options) => door.stage(options as door.StageOptions), 'file'],
  ['importRows', (options) => door.importRows('rows.jsonl', options as door.ImportRowsOptions), 'out'],
  ['mergeAdapter', (options) => door.mergeAdapter('models/tiny-llama', options as door.MergeOptions), 'adapter'],
  ['compareScores', (options) => door.compareScores(options as door.CompareScoresOptions).result, 'files'],
];

describe.each(calls)('%s', (_, call, missing) => {
  test.each([undefined, null, {}])('without options (%s) names the first that is missing', async (options) => {
    await expect(call(options)).rejects.toMatchObject({ code: 'usage', fields: { option: missing } });
  });

  test.each(['text', 5, []])('%j instead of options is a usage error', async (options) => {
    await expect(call(options)).rejects.toMatchObject({
      code: 'usage',
      problem: expect.stringMatching(/^expected an object of options, got /),
    });
  });
});

const paths: readonly (readonly [string, string, (path: string) => Promise<unknown>])[] = [
  ['openModel', 'folder', (path) => door.openModel(path)],
  ['importRows', 'file', (path) => door.importRows(path, { out: 'rows.jsonl' })],
  ['readRecords', 'path', (path) => door.readRecords(path)],
  ['importModel', 'source', (path) => door.importModel(path, { out: 'models/base' })],
  ['pullModel', 'name', (path) => door.pullModel(path)],
  ['mergeAdapter', 'model', (path) => door.mergeAdapter(path, { adapter: 'a', out: 'b' })],
];

test.each(paths)('%s refuses a `%s` that is no text', async (_, option, call) => {
  for (const given of [undefined, 5, ''])
    await expect(call(given as string)).rejects.toMatchObject({ code: 'usage', fields: { option } });
});
