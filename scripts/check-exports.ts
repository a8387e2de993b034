// Fails for every exported declaration under src/ without a doc comment: npx tsx scripts/check-exports.ts
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const isExported = (node: ts.Node) =>
  ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map((d) => d.name.getText()).join(', ');
  return (statement as ts.DeclarationStatement).name?.getText() ?? '?';
}

const missing: string[] = [];
for (const file of ts.sys.readDirectory('src', ['.ts']).sort()) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  // Of an overloaded function, the first signature speaks for all.
  const told = new Set<string>();
  for (const statement of source.statements.filter(isExported)) {
    const name = nameOf(statement);
    if (ts.getJSDocCommentsAndTags(statement).length > 0) told.add(name);
    else if (!told.has(name))
      missing.push(`${file}:${source.getLineAndCharacterOfPosition(statement.getStart()).line + 1}: ${name}`);
  }
}
for (const place of missing) console.error(`${place}: exported without a doc comment`);
process.exitCode = missing.length > 0 ? 1 : 0;
