import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseArms } from '../../../src/eval/arms/parse-arms.js';
import { temporaryFolder } from '../../helpers/folder.js';

describe('arms as they are written', () => {
  test('a name and a source, or several with commas; the first is the baseline unless another is named', () => {
    const words = ['base=models/base', 'phased=runs/1,runs/2@stage-1', 'a=b=c'];
    expect(parseArms(words)).toEqual({
      arms: [
        { name: 'base', sources: ['models/base'] },
        { name: 'phased', sources: ['runs/1', 'runs/2@stage-1'] },
        { name: 'a', sources: ['b=c'] },
      ],
      baseline: 'base',
    });
    expect(parseArms(words, 'phased').baseline).toBe('phased');
  });

  test('a path with a comma that exists is one source', async () => {
    const path = join(temporaryFolder('arms'), 'a,b');
    await mkdir(path);
    await writeFile(join(path, 'x'), '');
    expect(parseArms([`one=${path}`, 'two=x']).arms[0]!.sources).toEqual([path]);
  });

  test.each([
    [['models/base', 'b=x'], /"models\/base": expected NAME=SOURCE/],
    [['=x', 'b=x'], /expected a name of at most 80 letters/],
    [['../a=x', 'b=x'], /expected a name of at most 80 letters, .* got "\.\.\/a"/],
    [['a.=x', 'b=x'], /expected a name of at most 80 letters/],
    [['a=', 'b=x'], /a source is missing/],
    [['a=x,', 'b=x'], /a source is missing/],
    [['a=x,x', 'b=x'], /arm a: x is named twice/],
    [['a=x', 'a=y'], /two arms have the name a; for several runs of one arm, write them with commas: a=RUN,RUN/],
    [['a=x', 'A=y'], /two arms have the name a or A, which differ in case only/],
    [['a=x'], /expected at least two arms to compare, got only a/],
  ])('%j is refused', (words, problem) => {
    expect(() => parseArms(words)).toThrow(problem);
  });

  test('the baseline is one of the arms', () => {
    expect(() => parseArms(['a=x', 'b=y'], 'c')).toThrow(/`baseline`: expected one of a, b, got "c"/);
  });
});
