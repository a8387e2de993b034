import { join } from 'node:path';
import { listFolder, makeFolder, statPath } from '../io/files.js';
import { copyOwnFile } from '../io/own-files.js';

/** Where transformers keeps chat templates besides the default one. */
const TEMPLATES = 'additional_chat_templates';

/** Files that make a tokenizer and its chat templates. */
const TOKENIZER =
  /^(tokenizer.*\.json|tekken\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|chat_template\.(jinja|json)|.*\.(model|tiktoken))$/;

/** What goes with a model's weights into a new folder: settings, tokenizer, templates, licence. */
const COMPANION = /\.(json|jinja|txt|model|tiktoken)$|^(LICENSE|NOTICE|USE_POLICY)/i;

/**
 * Not so: an index of weights, whose files have other names in the new folder or are not there, and
 * an adapter, whose weights stay.
 */
const STAYS = /\.index\.json$|^adapter_/i;

/** The model card: it describes the weights as they are, so that it goes along where they stay the same. */
const CARD = /\.md$/i;

/** Whether a file name in a model folder is part of its tokenizer. */
export const isTokenizerFile = (name: string): boolean => TOKENIZER.test(name) || name.startsWith(`${TEMPLATES}/`);

/**
 * The names of the files of a model folder that go along with its weights; those of other chat
 * templates with their folder.
 */
export async function companionsOf(folder: string, { card }: { card: boolean }): Promise<string[]> {
  const names = (await listFolder(folder)).filter(
    (name) => (COMPANION.test(name) && !STAYS.test(name)) || (card && CARD.test(name)),
  );
  if ((await statPath(join(folder, TEMPLATES))).kind !== 'folder') return names;
  const templates = await listFolder(join(folder, TEMPLATES));
  return [...names, ...templates.map((name) => `${TEMPLATES}/${name}`)];
}

/**
 * Copies files of a model folder, as {@link companionsOf} names them, into another; links out of
 * the folder are refused.
 */
export async function copyCompanions(from: string, to: string, names: readonly string[]): Promise<void> {
  if (names.some((name) => name.startsWith(TEMPLATES))) await makeFolder(join(to, TEMPLATES));
  for (const name of names) await copyOwnFile(from, name, to);
}
