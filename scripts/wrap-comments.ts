/**
 * Wraps paragraphs of comments that are wider than the check allows; Biome leaves comments alone.
 *
 *     npx tsx scripts/wrap-comments.ts
 */
import { writeFileSync } from 'node:fs';
import { readSources } from './checks/source.js';
import { wrapComments } from './checks/wrap.js';

for (const source of ['src', 'tests', 'scripts'].flatMap(readSources)) {
  const wrapped = wrapComments(source);
  if (wrapped === source.text) continue;
  writeFileSync(source.path, wrapped);
  console.log(source.path);
}
