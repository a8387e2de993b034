import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** A TypeScript file that was read. */
export interface Source {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** What a check found, and where. */
export interface Problem {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** A source from its text. */
export const sourceOf = (path: string, text: string): Source => ({
  path,
  text,
  tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true),
});

/** All TypeScript files of a folder, by path. */
export const readSources = (folder: string): Source[] =>
  ts.sys
    .readDirectory(folder, ['.ts'])
    .sort()
    .map((path) => sourceOf(path, readFileSync(path, 'utf8')));

/** The line, counted from 1, of a position in a source. */
export const lineOf = ({ tree }: Source, position: number): number =>
  tree.getLineAndCharacterOfPosition(position).line + 1;

/** Calls `visit` for a node and for everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** A piece of a source. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const isText = (node: ts.Node) =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateHead(node) ||
  ts.isTemplateMiddle(node) ||
  ts.isTemplateTail(node) ||
  ts.isRegularExpressionLiteral(node);

/** String literals, pieces of templates and regular expressions of a source, in order. */
export function textsOf(source: Source): ts.Node[] {
  const texts: ts.Node[] = [];
  walk(source.tree, (node) => isText(node) && texts.push(node));
  return texts;
}

/** Comments of a source, in order, with their marks. */
export function commentsOf(source: Source): Span[] {
  const comments: Span[] = [];
  let from = 0;
  const search = (until: number) => {
    const between = source.text.slice(from, until);
    for (const { index, 0: comment } of between.matchAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g))
      comments.push({ start: from + index, end: from + index + comment.length });
  };
  for (const node of textsOf(source)) {
    search(node.getStart(source.tree));
    from = node.end;
  }
  search(source.text.length);
  return comments;
}
