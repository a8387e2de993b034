import { join } from 'node:path';
import * as z from 'zod';
import { exists } from '../io/files.js';
import { readJson } from '../io/json.js';

/** A token that is found in a text before it is cut into words, with the flags of the `tokenizers` library. */
export interface AddedToken {
  readonly content: string;
  /** True for control tokens, which `skipSpecialTokens` leaves out. */
  readonly special: boolean;
  /** Takes the white space to its left or right along. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Looked for in the normalized text. */
  readonly normalized: boolean;
  /** Found only where no letter touches it. */
  readonly single_word: boolean;
}

/** What the files of a tokenizer beside tokenizer.json declare. */
export interface DeclaredTokens {
  /** Tokens that tokenizer.json does not have, or has with other flags, in the order in which transformers adds them. */
  readonly added: readonly AddedToken[];
  /** The texts of the special tokens by name: `bos_token`, `eos_token` and the like. */
  readonly named: Readonly<Record<string, string>>;
}

const flags = {
  special: z.boolean().optional(),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  single_word: z.boolean().default(false),
};

/** A token with flags; one that is not `normalized` by its own word is normalized unless it is special, as in the library. */
const tokenObject = z
  .looseObject({ content: z.string(), ...flags })
  .transform(({ content, special = false, lstrip, rstrip, normalized = !special, single_word }): AddedToken => {
    return { content, special, lstrip, rstrip, normalized, single_word };
  });

const token = z.union([z.string(), tokenObject], 'expected a token as text, or an object with its content').nullish();

const declaringSchema = z.looseObject({
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), tokenObject).nullish(),
  additional_special_tokens: z.array(token).nullish(),
  extra_special_tokens: z.union([z.array(token), z.record(z.string(), token)]).nullish(),
});
type Declaring = z.infer<typeof declaringSchema>;

const idsSchema = z.record(z.string(), z.number().int().min(0));

/** The names that every tokenizer of transformers has. */
const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/**
 * What tokenizer_config.json declares, or where it has no `added_tokens_decoder`, special_tokens_map.json and added_tokens.json
 * as well, by the rules of transformers 5.24 (`PreTrainedTokenizerBase._from_pretrained`, `TokenizersBackend.__init__`): tokens of
 * `added_tokens_decoder` and added_tokens.json that are not in tokenizer.json with the same flags are added first, then named and extra
 * special tokens that are not there. `present` are the `added_tokens` of tokenizer.json. A field of the wrong type is a data error.
 */
export async function readDeclaredTokens(folder: string, present: readonly AddedToken[]): Promise<DeclaredTokens> {
  const config = await read(folder, 'tokenizer_config.json', declaringSchema);
  const named = namedTokens(config);
  let extra = extraTokens(config);
  const decoder = new Map(Object.entries(config.added_tokens_decoder ?? {}).map(([id, t]) => [Number(id), t]));
  if (!config.added_tokens_decoder) {
    const map = await read(folder, 'special_tokens_map.json', declaringSchema);
    for (const [name, value] of namedTokens(map)) named.set(name, asSpecial(value));
    extra = [...extra, ...extraTokens(map).map(asSpecial)];
    const special = new Set([...named.values(), ...extra].map(textOf));
    for (const [content, id] of Object.entries(await read(folder, 'added_tokens.json', idsSchema)))
      decoder.set(id, plain(content, special.has(content)));
  }
  const listed = [...decoder].sort(([a], [b]) => a - b).map(([, t]) => t);
  return { added: missing(listed, [...named.values(), ...extra], present), named: textsOf(named) };
}

/** Reads a file that may not be there. */
async function read<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(folder, name);
  return exists(path) ? readJson(path, schema) : schema.parse({});
}

type Token = string | AddedToken;

const textOf = (t: Token): string => (typeof t === 'string' ? t : t.content);
const textsOf = (named: ReadonlyMap<string, Token>) =>
  Object.fromEntries([...named].map(([name, t]) => [name, textOf(t)]));

const plain = (content: string, special: boolean): AddedToken => ({
  content,
  special,
  lstrip: false,
  rstrip: false,
  normalized: !special,
  single_word: false,
});

const asSpecial = (t: Token): AddedToken => (typeof t === 'string' ? plain(t, true) : { ...t, special: true });

/** Special tokens by name: the usual ones, every other field that ends in `_token`, and a mapping in `extra_special_tokens`. */
function namedTokens(config: Declaring): Map<string, Token> {
  const named = new Map<string, Token>();
  for (const [name, value] of Object.entries(config)) {
    const usual = NAMES.includes(name);
    if (!usual && !(name.endsWith('_token') && typeof value === 'string')) continue;
    const parsed = token.safeParse(value);
    if (parsed.success && parsed.data) named.set(name, parsed.data);
  }
  const { extra_special_tokens: extra } = config;
  if (extra && !Array.isArray(extra))
    for (const [name, value] of Object.entries(extra)) if (value) named.set(name, value);
  return named;
}

/** Special tokens without a name. `additional_special_tokens` is the older word for them, and counts where the newer has none. */
function extraTokens({ extra_special_tokens: extra, additional_special_tokens: additional }: Declaring): Token[] {
  const list = Array.isArray(extra) && extra.length > 0 ? extra : (additional ?? []);
  return list.filter((t) => t !== null && t !== undefined);
}

/** What is to be added: listed tokens that are not there with the same flags, then special ones whose text is not there. */
function missing(
  listed: readonly AddedToken[],
  special: readonly Token[],
  present: readonly AddedToken[],
): AddedToken[] {
  const known = new Set(present.map(keyOf));
  const texts = new Set(special.map(textOf));
  const added = listed
    .filter((t) => !known.has(keyOf(t)))
    .map((t) => (texts.has(t.content) ? { ...t, special: true } : t));
  const there = new Set([...present, ...added].map((t) => t.content));
  for (const t of special) {
    if (there.has(textOf(t)) || textOf(t) === '') continue;
    there.add(textOf(t));
    added.push(asSpecial(t));
  }
  return added;
}

const keyOf = ({ content, special, lstrip, rstrip, normalized, single_word }: AddedToken): string =>
  JSON.stringify([content, special, lstrip, rstrip, normalized, single_word]);
