import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from '../../src/core/suggest.js';

const FLAGS = ['--model', '--data', '--max-length', '--lora.rank', '--lora.alpha', '--optim.learning-rate', '--seed'];

describe('did you mean', () => {
  it.each([
    ['--modle', '--model'],
    ['--max-lenght', '--max-length'],
    ['--maxLength', '--max-length'],
    ['--max_length', '--max-length'],
    ['--learning-rate', '--optim.learning-rate'],
    ['--lora.rnak', '--lora.rank'],
    ['--rank', '--lora.rank'],
    ['--dat', '--data'],
    ['--max', '--max-length'],
    ['--Seed', '--seed'],
  ])('%s suggests %s', (typed, meant) => expect(suggest(typed, FLAGS)).toBe(meant));

  it.each(['--temperature', '--x', '--banana', ''])('%j suggests nothing', (typed) => {
    expect(suggest(typed, FLAGS)).toBeUndefined();
    expect(didYouMean(typed, FLAGS)).toBe('');
  });
});
