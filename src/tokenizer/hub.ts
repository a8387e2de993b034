import * as untyped from '@huggingface/tokenizers';

/** Cuts text into words before they become tokens. */
export interface PreTokenizer {
  /** How it cuts, in those that cut by a pattern. */
  pattern?: RegExp;
  readonly config?: { readonly individual_digits?: boolean };
  /** The parts of a sequence. */
  readonly tokenizers?: readonly (PreTokenizer | null)[];
}

/** The tokenizer of the package, as far as it is used here. */
export interface HubTokenizer {
  readonly pre_tokenizer: PreTokenizer | null;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_added_tokens_decoder(): Map<number, { id: number; content: string; special: boolean }>;
  get_vocab(): Map<string, number>;
}

/** One kind of pre-tokenizer. */
export type PreTokenizerClass = new (config: object) => PreTokenizer;

/** `@huggingface/tokenizers`. Its own type files import one another without extensions, which TypeScript does not follow under NodeNext. */
export const hub = untyped as unknown as {
  readonly Tokenizer: new (tokenizer: object, config: object) => HubTokenizer;
  readonly ByteLevelPreTokenizer: PreTokenizerClass;
  readonly DigitsPreTokenizer: PreTokenizerClass;
  readonly SequencePreTokenizer: PreTokenizerClass;
};
