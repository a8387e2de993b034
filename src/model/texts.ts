import { dataError } from '../core/errors.js';
import { show } from '../core/shown.js';
import type { ModelFolder } from './load.js';

type Model = Pick<ModelFolder, 'path' | 'config'>;

/** A text as a model is given it; `name` says in an error which it is. */
export interface TokenText {
  readonly name: string;
  readonly ids: ArrayLike<number>;
}

/**
 * Throws a data error that names the first text with a token that the embedding has no row for. A
 * tokenizer may know such tokens, as many have a padding token that was added later: only a text
 * that holds one cannot be used.
 */
export async function checkTokens(
  { path, config }: Model,
  texts: Iterable<TokenText>,
  textOf: (ids: readonly number[]) => Promise<string>,
): Promise<void> {
  const rows = config.vocab_size;
  for (const { name, ids } of texts)
    for (let i = 0; i < ids.length; i++)
      if (ids[i]! >= rows)
        throw dataError(
          `${name}: it holds the token ${show(await textOf([ids[i]!]))} (id ${ids[i]}), which ${path} has no embedding for (vocab_size ${rows}); ` +
            'take that text out, or take tokenizer and weights from the same model',
          { file: path, expected: rows, actual: ids[i]! },
        );
}

/** Says that some tokens of the tokenizer cannot be used with the model, where that is so. */
export const vocabularyWarnings = ({ path, config }: Model, tokenizerSize: number): string[] =>
  tokenizerSize > config.vocab_size
    ? [
        `${path}: the tokenizer has ${tokenizerSize} tokens, the embedding ${config.vocab_size} rows: texts that hold one of the others are refused`,
      ]
    : [];

/** Says how many texts, of these lengths in tokens, are longer than what the model was made for, where some are. */
export function lengthWarnings({ path, config }: Model, lengths: readonly number[], what: string): string[] {
  const most = config.max_position_embeddings;
  const over = lengths.filter((length) => length > most);
  if (over.length === 0) return [];
  const longest = over.reduce((max, length) => Math.max(max, length), 0);
  return [
    `${over.length} of ${lengths.length} ${what} have more than the ${most} tokens that ${path} was made for (max_position_embeddings), the longest ${longest}: expect bad answers there`,
  ];
}
