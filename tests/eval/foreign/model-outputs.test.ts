import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelOutputsOf, readModelOutputs } from '../../../src/eval/foreign/model-outputs.js';
import { temporaryFolder } from '../../helpers/folder.js';

const folder = temporaryFolder('model-outputs');
const fileOf = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('answers in the form of AlpacaEval', () => {
  it('reads instruction, output, generator and set, and keeps what it does not know', async () => {
    const path = fileOf('model_outputs.json', [
      { instruction: 'Say hi.', output: 'hi', generator: 'mine', dataset: 'koala', datasplit: 'eval', price: 0.1 },
      { instruction: 'Say bye.', output: '', generator: 'mine', dataset: 'koala', id: 7, datasplit: null },
    ]);
    const { rows, generator } = await readModelOutputs(path);
    expect(generator).toBe('mine');
    expect(rows.map(({ place: _, ...row }) => row)).toEqual([
      {
        instruction: 'Say hi.',
        output: 'hi',
        generator: 'mine',
        dataset: 'koala',
        id: undefined,
        rest: { datasplit: 'eval', price: 0.1 },
      },
      {
        instruction: 'Say bye.',
        output: '',
        generator: 'mine',
        dataset: 'koala',
        id: '7',
        rest: { datasplit: null },
      },
    ]);
  });

  it('joins the input of older files, and has no name where rows differ in it', async () => {
    const path = fileOf(
      'old.jsonl',
      [
        JSON.stringify({ instruction: 'Add.', input: '1, 2', output: '3', generator: 'one' }),
        JSON.stringify({ instruction: 'Add.', input: '', output: '3', generator: 'other' }),
      ].join('\n'),
    );
    const { rows, generator } = await readModelOutputs(path);
    expect(rows.map(({ instruction }) => instruction)).toEqual(['Add.\n1, 2', 'Add.']);
    expect(generator).toBeUndefined();
  });

  it.each([
    ['[]', /no answers/],
    [[{ instruction: 'a', output: 'b' }, { instruction: 'a' }], /row 2: expected the field output with a text/],
    [[{ instruction: ['a'], output: 'b' }], /row 1: expected the field instruction with a text, found \["a"\]/],
    [[{ instruction: 'a', output: null }], /row 1: expected the field output with a text, found null/],
    [['text'], /row 1: expected an object, found "text"/],
    ['{"instruction": "a", "output": "b"}\n{"instruction": "a", "outp\n', /:2/],
  ])('refuses %j with the place', async (content, message) => {
    await expect(readModelOutputs(fileOf('bad.json', content))).rejects.toThrow(message);
  });

  it('writes answers so that reading gives them back', async () => {
    const checks = { empty: false, cut: false, refusal: false, loop: false, copy: false, otherScript: false };
    const answers = [
      { id: 'r1', instruction: 'Say "hi"\n', output: 'hi 👋', checks, key: 'k', foreign: { datasplit: 'eval' } },
      { id: 'r2', instruction: 'Nothing', output: '', checks, key: 'k' },
    ];
    const { rows } = await readModelOutputs(fileOf('out.json', modelOutputsOf([['koala', answers]], 'mine')));
    expect(rows.map(({ id, instruction, output, dataset, rest }) => [id, instruction, output, dataset, rest])).toEqual([
      ['r1', 'Say "hi"\n', 'hi 👋', 'koala', { datasplit: 'eval' }],
      ['r2', 'Nothing', '', 'koala', {}],
    ]);
  });
});
