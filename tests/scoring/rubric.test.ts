import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadRubric } from '../../src/scoring/rubric.js';
import { temporaryFolder } from '../helpers/folder.js';

const GOOD = {
  name: 'mine',
  version: 2,
  scale: { min: 0, max: 7 },
  judges: 'instruction',
  user: 'How hard, from {{min}} to {{max}}?\n{{item}}\nThink well.',
};

let folder: string;
beforeAll(async () => {
  folder = temporaryFolder('rubric');
});

const load = async (content: unknown, name = 'mine.yaml') => {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : stringify(content));
  return loadRubric(path);
};

describe('a rubric', () => {
  it.each([
    ['difficulty-1-5', { min: 1, max: 5, whole: false }],
    ['difficulty-1-10', { min: 1, max: 10, whole: true }],
  ])('%s is ours', async (name, scale) => {
    expect(await loadRubric(name)).toMatchObject({ name, scale, judges: 'instruction+answer', reply: 'json' });
  });

  it("of the user's own is read from YAML and from JSON alike, with the same hash", async () => {
    const yaml = await load(`# a comment\n${stringify(GOOD)}`);
    const json = await load(JSON.stringify(GOOD), 'mine.json');
    expect(yaml).toMatchObject({ name: 'mine', version: '2', scale: { min: 0, max: 7, whole: true }, reply: 'json' });
    expect(json.sha256).toBe(yaml.sha256);
  });

  it.each([
    ['user', { user: 'Harder:\n{{item}}' }],
    ['system', { system: 'You rate.' }],
    ['scale', { scale: { min: 0, max: 8 } }],
    ['judges', { judges: 'instruction+answer' }],
    ['reply', { reply: 'number' }],
  ])('has another hash when its %s changes', async (_, change) => {
    expect((await load({ ...GOOD, ...change })).sha256).not.toBe((await load(GOOD)).sha256);
  });

  it.each<[string, unknown, RegExp]>([
    ['no item', { ...GOOD, user: 'How hard?' }, /mine\.yaml: field user: expected \{\{item\}\} once.*0 times/],
    ['the item twice', { ...GOOD, user: '{{item}} {{item}}' }, /field user: expected \{\{item\}\} once.*2 times/],
    [
      'the item in the system turn',
      { ...GOOD, system: 'Rate {{item}}' },
      /field system: expected \{\{item\}\} in the user turn/,
    ],
    ['an unknown placeholder', { ...GOOD, user: '{{item}} {{top}}' }, /field user: unknown placeholder \{\{top\}\}/],
    ['an empty scale', { ...GOOD, scale: { min: 5, max: 5 } }, /field scale: expected a min below max/],
    ['odd ends of a whole scale', { ...GOOD, scale: { min: 0.5, max: 5 } }, /field scale: expected whole numbers/],
    ['no version', { ...GOOD, version: undefined }, /field version/],
    ['an unknown field', { ...GOOD, model: 'x' }, /model/],
    ['an unknown form of reply', { ...GOOD, reply: 'xml' }, /field reply/],
    ['broken YAML', 'name: [mine', /mine\.yaml: .*expected a rubric as YAML or JSON/],
    ['a list', '- name', /it is not a mapping of fields/],
    ['nothing', '', /it is not a mapping of fields/],
    ['brackets without end', '['.repeat(20_000), /mine\.yaml: .*expected a rubric/],
  ])('with %s is refused by name and field', async (_, content, message) => {
    await expect(load(content)).rejects.toThrow(
      expect.objectContaining({ code: 'data', message: expect.stringMatching(message) }),
    );
  });

  it('that nobody knows is refused with those there are', async () => {
    await expect(loadRubric('dificulty-1-5')).rejects.toThrow(/did you mean "difficulty-1-5".*difficulty-1-10/);
    await expect(loadRubric('./none.yaml')).rejects.toThrow(/cannot read \.\/none\.yaml: no such file/);
  });
});
