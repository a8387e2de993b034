import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePairs, type LossPair } from '../../src/scoring/ifd.js';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.js';
import cases from '../fixtures/ifd/cases.json' with { type: 'json' };
import { temporaryFolder } from './folder.js';
import { TINY } from './tokens.js';

/** A row measured by transformers (scripts/reference/ifd.py); one that cannot be has no ids. */
export interface IfdCase {
  readonly name: string;
  readonly template: 'chat' | 'paper';
  readonly maxLength: number;
  readonly messages: { role: 'system' | 'user' | 'assistant'; content: string }[];
  /** In place of the tokenizer's own. */
  readonly chatTemplate?: string;
  readonly given?: number[];
  /** Ids before the answer, in `given` and in `alone`. */
  readonly first?: number;
  readonly alone?: number[];
  readonly start?: number;
  readonly loss?: number;
  readonly lossAlone?: number;
}

/** All of them. */
export const IFD_CASES = cases as unknown as readonly IfdCase[];

/** The tokenizer that a case was made with. */
async function tokenizerOf({ chatTemplate }: IfdCase): Promise<Tokenizer> {
  if (chatTemplate === undefined) return loadTokenizer(TINY);
  const folder = temporaryFolder('phasetune-template');
  await cp(TINY, folder, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
  await writeFile(join(folder, 'chat_template.jinja'), chatTemplate);
  return loadTokenizer(folder);
}

/** What our code makes of a case. */
export async function pairOf(one: IfdCase): Promise<LossPair | { kind: string }> {
  const { name, messages, template, maxLength } = one;
  const record = { id: `${name}, ${template}`, messages };
  const [pair] = await encodePairs([record], await tokenizerOf(one), { lossScore: 'ifd', template, maxLength });
  return pair!;
}
