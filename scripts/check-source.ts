/**
 * Checks of the sources and of the Markdown that no other tool makes: exports have a doc comment,
 * links in comments and between pages lead somewhere, comments fit on a screen, and the library
 * names no flag of the command line.
 *
 *     npx tsx scripts/check-source.ts
 */
import { readdirSync } from 'node:fs';
import { deadLinks, exportsWithoutComment } from './checks/doc-comments.js';
import { flagsInLibrary } from './checks/flags.js';
import { FOREIGN_FLAGS } from './checks/foreign-flags.js';
import { deadMarkdownLinks, markdownFiles } from './checks/links.js';
import { wideComments } from './checks/sizes.js';
import { type Problem, readSources } from './checks/source.js';

const src = readSources('src');
const others = [...readSources('tests'), ...readSources('scripts')];
const library = src.filter(({ path }) => !path.includes('src/cli/'));
const commands = new Set(readdirSync('src/cli/commands').map((name) => name.replace(/[-.].*/, '')));

/** Each check, and what it finds. */
const checks: Readonly<Record<string, readonly Problem[]>> = {
  'doc comments': src.flatMap(exportsWithoutComment),
  'links in comments': src.flatMap(deadLinks),
  'links in pages': deadMarkdownLinks('.', markdownFiles('.')),
  'comment width': [...src, ...others].flatMap(wideComments),
  flags: flagsInLibrary(library, [...commands], FOREIGN_FLAGS),
};

for (const [name, problems] of Object.entries(checks)) {
  if (problems.length === 0) continue;
  console.error(`${name}: ${problems.length}`);
  for (const { path, line, message } of problems) console.error(`${path}:${line}: ${message}`);
  process.exitCode = 1;
}
