import ts from 'typescript';
import { lineOf, type Problem, type Source, walk } from './source.js';

const isExported = (node: ts.Node) =>
  ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** Names that a statement declares. */
function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  if (ts.isImportDeclaration(statement)) {
    const clause = statement.importClause;
    const named = clause?.namedBindings;
    const names = named ? (ts.isNamespaceImport(named) ? [named.name] : named.elements.map(({ name }) => name)) : [];
    return [...(clause?.name ? [clause.name] : []), ...names].map(({ text }) => text);
  }
  const { name } = statement as ts.DeclarationStatement;
  return name ? [name.getText()] : [];
}

/**
 * Finds every exported declaration without a doc comment. Of an overloaded function, the first
 * signature counts for all.
 */
export function exportsWithoutComment(source: Source): Problem[] {
  const problems: Problem[] = [];
  const documented = new Set<string>();
  for (const statement of source.tree.statements.filter(isExported)) {
    const name = declaredNames(statement).join(', ') || '?';
    if (ts.getJSDocCommentsAndTags(statement).length > 0) documented.add(name);
    else if (!documented.has(name))
      problems.push({
        path: source.path,
        line: lineOf(source, statement.getStart()),
        message: `${name}: exported without a doc comment`,
      });
  }
  return problems;
}

/** Names of members that a file's types have. */
function memberNames({ tree }: Source): string[] {
  const names: string[] = [];
  walk(tree, (node) => {
    if ((ts.isTypeElement(node) || ts.isClassElement(node)) && node.name && ts.isIdentifier(node.name))
      names.push(node.name.text);
  });
  return names;
}

/** Finds every `{@link name}` whose name is neither declared nor imported in its file. */
export function deadLinks(source: Source): Problem[] {
  const known = new Set([...source.tree.statements.flatMap(declaredNames), ...memberNames(source)]);
  const problems: Problem[] = [];
  const look = (link: ts.Node) => {
    if (!ts.isJSDocLink(link) || !link.name) return;
    let { name }: { name: ts.EntityName | ts.JSDocMemberName } = { name: link.name };
    while (!ts.isIdentifier(name)) name = name.left;
    if (known.has(name.text) || name.text === 'https') return;
    problems.push({
      path: source.path,
      line: lineOf(source, link.getStart()),
      message: `{@link ${link.name.getText()}}: no such name in this file`,
    });
  };
  walk(source.tree, (node) => {
    for (const comment of ts.getJSDocCommentsAndTags(node)) if (comment.parent === node) walk(comment, look);
  });
  return problems;
}
