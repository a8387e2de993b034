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
  /**
   * Tokens that are added to those of tokenizer.json, or change their flags, in the order in which
   * transformers adds them.
   */
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

/**
 * A token with flags; one that is not `normalized` by its own word is normalized unless it is
 * special, as in the library.
 */
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

/** The names that every tokenizer of transformers has, in the order in which it adds them. */
const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

type Token = string | AddedToken;

/** Special tokens by name, and those without one; undefined where a file says nothing of the latter. */
interface Special {
  readonly named: Map<string, Token>;
  extra: readonly Token[] | undefined;
}

/**
 * What tokenizer_config.json declares, and where it has no `added_tokens_decoder`,
 * special_tokens_map.json and added_tokens.json as well, by the rules of transformers 5.24
 * (`PreTrainedTokenizerBase._from_pretrained`, `TokenizersBackend.__init__`): tokens of
 * `added_tokens_decoder` and added_tokens.json come first and set the flags again, then named and
 * extra special tokens that are not there. `present` are the `added_tokens` of tokenizer.json. A
 * field of the wrong type is a data error.
 */
export async function readDeclaredTokens(
  folder: string,
  present: readonly (AddedToken & { readonly id: number })[],
): Promise<DeclaredTokens> {
  const config = await read(folder, 'tokenizer_config.json', declaringSchema);
  const special = specialOf(config);
  const listed = new Map(Object.entries(config.added_tokens_decoder ?? {}).map(([id, t]) => [Number(id), t]));
  if (!config.added_tokens_decoder) {
    // As transformers has it, a text counts as special here where it is written plainly.
    const plainly = new Set([...special.named].flatMap(([name, t]) => (NAMES.includes(name) && isText(t) ? [t] : [])));
    const map = specialOf(await read(folder, 'special_tokens_map.json', declaringSchema));
    for (const [name, t] of map.named) {
      special.named.set(name, asSpecial(t));
      if (NAMES.includes(name)) plainly.add(textOf(t));
    }
    for (const t of special.extra ?? []) if (isText(t)) plainly.add(t);
    special.extra ??= map.extra;
    for (const [content, id] of Object.entries(await read(folder, 'added_tokens.json', idsSchema)))
      listed.set(id, plain(content, plainly.has(content)));
    for (const { id, ...t } of present) listed.set(id, t);
  }
  const inOrder = [...listed].sort(([a], [b]) => a - b).map(([, t]) => t);
  return { added: additions(inOrder, special, present), named: textsOf(special.named) };
}

/** Reads a file that may not be there. */
async function read<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(folder, name);
  return exists(path) ? readJson(path, schema) : schema.parse({});
}

const isText = (t: Token): t is string => typeof t === 'string';
const textOf = (t: Token): string => (isText(t) ? t : t.content);
/** Usual names first, in their order. */
const inOrderOfNames = (named: ReadonlyMap<string, Token>): Map<string, Token> =>
  new Map([
    ...NAMES.flatMap((name) => (named.has(name) ? [[name, named.get(name)!] as const] : [])),
    ...[...named].filter(([name]) => !NAMES.includes(name)),
  ]);

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

const asSpecial = (t: Token): AddedToken => (isText(t) ? plain(t, true) : { ...t, special: true });

/**
 * The special tokens of a file. Named are the usual ones, every other field that ends in `_token`,
 * and a mapping in `extra_special_tokens`; without a name a list there, or in
 * `additional_special_tokens`, the older word for it, which counts where the newer has none.
 */
function specialOf(config: Declaring): Special {
  const named = new Map<string, Token>();
  const name = (key: string, value: unknown) => {
    const parsed = token.safeParse(value);
    if (parsed.success && parsed.data !== null && parsed.data !== undefined) named.set(key, parsed.data);
  };
  for (const key of NAMES) name(key, config[key]);
  for (const [key, value] of Object.entries(config))
    if (!NAMES.includes(key) && key.endsWith('_token') && typeof value === 'string') name(key, value);
  const { extra_special_tokens: extra, additional_special_tokens: additional } = config;
  if (extra && !Array.isArray(extra)) for (const [key, value] of Object.entries(extra)) name(key, value);
  const list = Array.isArray(extra) && (extra.length > 0 || !additional) ? extra : additional;
  return { named, extra: list?.filter((t) => t !== null && t !== undefined) };
}

/**
 * What is added, in order: all listed tokens, which changes the flags of those that are there
 * already, and special ones whose text is not there. As transformers has it, the same text may come
 * twice with other flags, of which the last count.
 */
function additions(
  listed: readonly AddedToken[],
  { named: byName, extra = [] }: Special,
  present: readonly AddedToken[],
): AddedToken[] {
  const named = inOrderOfNames(byName);
  const there = new Set([...present, ...listed].map((t) => t.content));
  const more: Token[] = [];
  for (const t of [...named.values(), ...extra])
    if (textOf(t) !== '' && !there.has(textOf(t)) && !more.some((other) => isSame(other, t))) more.push(t);
  const names = new Set([...named.values()].map(textOf));
  return [...listed, ...more.map((t) => (isText(t) ? plain(t, true) : t))].map((t) =>
    names.has(t.content) ? { ...t, special: true } : t,
  );
}

const isSame = (a: Token, b: Token): boolean => (isText(a) || isText(b) ? a === b : keyOf(a) === keyOf(b));

const keyOf = ({ content, special, lstrip, rstrip, normalized, single_word }: AddedToken): string =>
  JSON.stringify([content, special, lstrip, rstrip, normalized, single_word]);
