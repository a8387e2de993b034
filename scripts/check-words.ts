// Refuses words that a reader of English would stumble over, in guides, help texts and messages:
// npx tsx scripts/check-words.ts README.md docs src …
import { readFileSync } from 'node:fs';
import ts from 'typescript';

import { findWords } from './words.js';

const filesUnder = (path: string) =>
  ts.sys.directoryExists(path) ? ts.sys.readDirectory(path, ['.md', '.yaml', '.ts'], ['docs/site']) : [path];

let found = 0;
for (const file of process.argv.slice(2).flatMap(filesUnder).sort())
  for (const { line, word, instead } of findWords(file, readFileSync(file, 'utf8'))) {
    console.error(`${file}:${line}: "${word}": write ${instead}`);
    found++;
  }
if (found > 0) console.error(`${found} words to replace`);
process.exitCode = found > 0 ? 1 : 0;
