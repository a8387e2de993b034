import ts from 'typescript';
import { commentsOf, lineOf, type Problem, type Source, textsOf } from './source.js';

/** Flags of other programs, by the file and the declaration that names them. */
export type ForeignFlags = Readonly<Record<string, readonly string[]>>;

/**
 * A flag: two hyphens before a word, unless something stands right before them. Variables of style sheets, `var(--ink)`
 * and `--ink:`, are none.
 */
const FLAG = /(?<![\w-]|var\()--[a-z][\w.-]*(?![\w.-]|:)/g;
/** A command: the program's name before one of its commands' names. */
const commandPattern = (commands: readonly string[]) =>
  new RegExp(String.raw`\bphasetune (?:${commands.join('|')})\b`, 'g');

/** Name of the declaration at the top of its file that a position lies in. */
function declarationAt({ tree }: Source, position: number): string {
  const statement = tree.statements.find((one) => one.getFullStart() <= position && position < one.end);
  if (!statement) return '';
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]!.name.getText();
  return (statement as ts.DeclarationStatement).name?.getText() ?? '';
}

/**
 * Finds flags and commands of the command line in texts and comments of the library, which is
 * called from other programs too. Flags that `foreign` lists for a declaration are passed over;
 * each that is listed in vain is a problem as well.
 */
export function flagsInLibrary(
  sources: readonly Source[],
  commands: readonly string[],
  foreign: ForeignFlags,
): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const command = commandPattern(commands);
  for (const source of sources) {
    const spans = textsOf(source).map((node) => ({ start: node.getStart(source.tree), end: node.end }));
    for (const { start, end } of [...spans, ...commentsOf(source)]) {
      const text = source.text.slice(start, end);
      for (const { 0: found, index } of [...text.matchAll(FLAG), ...text.matchAll(command)]) {
        const place = `${source.path}#${declarationAt(source, start + index)}`;
        if (foreign[place]?.includes(found)) seen.add(`${place} ${found}`);
        else
          problems.push({
            path: source.path,
            line: lineOf(source, start + index),
            message: `${declarationAt(source, start + index)} names \`${found}\`; outside cli/ an option is named as a program names it (\`maxLength\`), a task by a remedy`,
          });
      }
    }
  }
  for (const [place, flags] of Object.entries(foreign))
    for (const flag of flags)
      if (!seen.has(`${place} ${flag}`))
        problems.push({
          path: place,
          line: 1,
          message: `${flag} is listed as another program's, but is not named there`,
        });
  return problems;
}
