/**
 * Checks of the sources and of the Markdown that no other tool makes: exports have a doc comment, links in comments and between
 * pages lead somewhere, comments fit on a screen, and the library names no flag of the command line.
 *
 *     npx tsx scripts/check-source.ts
 */
import { readdirSync } from 'node:fs';
import { deadLinks, exportsWithoutComment } from './checks/doc-comments.js';
import { flagsInLibrary } from './checks/flags.js';
import { FOREIGN_FLAGS } from './checks/foreign-flags.js';
import { deadMarkdownLinks, markdownFiles } from './checks/links.js';
import { wideComments } from './checks/sizes.js';
import { readSources } from './checks/source.js';

const src = readSources('src');
const others = [...readSources('tests'), ...readSources('scripts')];
const library = src.filter(({ path }) => !path.includes('src/cli/'));
const commands = new Set(readdirSync('src/cli/commands').map((name) => name.replace(/[-.].*/, '')));

const problems = [
  ...src.flatMap(exportsWithoutComment),
  ...src.flatMap(deadLinks),
  ...[...src, ...others].flatMap(wideComments),
  ...deadMarkdownLinks('.', markdownFiles('.')),
  ...flagsInLibrary(library, [...commands], FOREIGN_FLAGS),
];
for (const { path, line, message } of problems) console.error(`${path}:${line}: ${message}`);
if (problems.length > 0) console.error(`${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
