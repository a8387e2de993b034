import { join } from 'node:path';
import { exists, hashFile, listFolder, statPath } from '../io/files.js';
import { readJson } from '../io/json.js';

/**
 * Files in which a tokenizer that was changed for an adapter differs from its base's. Other
 * settings differ by what wrote them.
 */
const DECIDES = ['tokenizer.json', 'tokenizer.model', 'chat_template.jinja', 'chat_template.json'];

/**
 * Says which files of a tokenizer or chat template are in an adapter's folder and differ from the
 * base model's: trainers leave them there, and an adapter that was trained with them answers
 * otherwise with the base's, which are the ones that are used.
 */
export async function ownTokenizerWarnings(adapterFolder: string, modelFolder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of DECIDES)
    if (exists(join(adapterFolder, name)) && !(await isSame(join(adapterFolder, name), join(modelFolder, name))))
      names.push(name);
  const [adapters, base] = [await inlineTemplate(adapterFolder), await inlineTemplate(modelFolder)];
  if (adapters !== undefined && adapters !== base && !exists(join(modelFolder, 'chat_template.jinja')))
    names.push('chat_template in tokenizer_config.json');
  if (names.length === 0) return [];
  return [
    `${adapterFolder}: the adapter brings ${names.join(', ')}, which ${modelFolder} does not have or has in another version; the model's are used: if the adapter was trained with its own, copy them into the model's folder`,
  ];
}

async function isSame(a: string, b: string): Promise<boolean> {
  if (!exists(b)) return false;
  const [{ bytes: x, kind }, { bytes: y, kind: other }] = [await statPath(a), await statPath(b)];
  return kind === 'file' && other === 'file' && x === y && (await hashFile(a)) === (await hashFile(b));
}

async function inlineTemplate(folder: string): Promise<string | undefined> {
  const path = join(folder, 'tokenizer_config.json');
  if (!exists(path)) return undefined;
  const template = ((await readJson(path)) as { chat_template?: unknown } | null)?.chat_template;
  return template === undefined || template === null ? undefined : JSON.stringify(template);
}

/** Folders inside this one that hold an adapter: the runs of some trainers have it a level down. */
export async function adaptersInside(folder: string): Promise<string[]> {
  if ((await statPath(folder)).kind !== 'folder') return [];
  return (await listFolder(folder))
    .map((name) => join(folder, name))
    .filter((inner) => exists(join(inner, 'adapter_config.json')));
}
