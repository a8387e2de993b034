import { join } from 'node:path';
import { readText } from '../io/files.js';
import { secretsIn, secretsInArguments } from '../telemetry/redact.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that name a file with a key in it. */
const KEY_FILE = /(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD)_(?:FILE|PATH)$/i;

const MAX_BYTES = 1 << 16;
/** Of a longer text, such as a PEM file, each line that is at least this long and has no spaces is a secret. */
const SHORTEST_LINE = 16;

/**
 * All secrets that a command may meet: in the environment, in files that the environment names, in
 * the hub's token file, and in arguments, where they should not be.
 */
export async function findSecrets(environment: Environment, args: readonly string[]): Promise<string[]> {
  const named = Object.entries(environment).flatMap(([name, path]) => (path && KEY_FILE.test(name) ? [path] : []));
  const texts = await Promise.all([...named, ...hubTokenFiles(environment)].map(readKey));
  const inFiles = texts.flatMap((text = '') => {
    const lines = text.split('\n').map((line) => line.trim());
    return lines.length === 1 ? lines : lines.filter((line) => line.length >= SHORTEST_LINE && !line.includes(' '));
  });
  return [...secretsIn(environment), ...secretsInArguments(args), ...inFiles];
}

/** The access token for the hub: HF_TOKEN, or the file in which the hub's tools keep it. */
export async function hubToken(environment: Environment): Promise<string | undefined> {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'])
    if (environment[name]?.trim()) return environment[name].trim();
  for (const file of hubTokenFiles(environment)) {
    const token = await readKey(file);
    if (token) return token;
  }
  return undefined;
}

/** Where the hub's tools keep the token: HF_TOKEN_PATH, otherwise `token` in HF_HOME, otherwise in the user's cache. */
function hubTokenFiles({ HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME, HOME }: Environment): string[] {
  if (HF_TOKEN_PATH) return [HF_TOKEN_PATH];
  if (HF_HOME) return [join(HF_HOME, 'token')];
  const cache = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return cache ? [join(cache, 'huggingface', 'token')] : [];
}

/** A key from its file; undefined if the file cannot be read. */
const readKey = (path: string): Promise<string | undefined> =>
  readText(path, { maxBytes: MAX_BYTES }).then(
    (text) => text.trim(),
    () => undefined,
  );
