import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Problem } from './source.js';

/** Folders whose Markdown is not the project's own. */
const PASSED_OVER = new Set(['node_modules', 'dist', '.git', 'api', 'coverage', 'site']);

/** Markdown files below a folder, by path. */
export function markdownFiles(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return PASSED_OVER.has(entry.name) ? [] : markdownFiles(root, path);
      return entry.name.endsWith('.md') ? [path] : [];
    })
    .sort();
}

/**
 * The text with code made blank, so that what looks like a link or a heading there is none; lines stay where they are.
 */
function withoutCode(text: string): string {
  const blank = (code: string) => code.replace(/[^\n]/g, ' ');
  return text.replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2 *$/gm, blank);
}

/** Anchors of a Markdown text's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const words = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const anchor = words
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replace(/ /g, '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Finds links of Markdown files to files and headings that are not there. Addresses of the web are not asked for. */
export function deadMarkdownLinks(root: string, files: readonly string[]): Problem[] {
  const anchors = new Map<string, Set<string>>();
  const anchorsAt = (path: string) => {
    if (!anchors.has(path)) anchors.set(path, anchorsOf(readFileSync(path, 'utf8')));
    return anchors.get(path)!;
  };
  const problemOf = (file: string, target: string): string | undefined => {
    if (/^[a-z]+:/.test(target)) return;
    const [path, anchor] = decodeURI(target).split('#') as [string, string?];
    const there = path === '' ? join(root, file) : join(root, dirname(file), path);
    if (relative(root, there).startsWith('..')) return 'leads out of the repository';
    if (!existsSync(there)) return 'there is no such file';
    if (anchor === undefined || !there.endsWith('.md')) return;
    if (statSync(there).isDirectory() || !anchorsAt(there).has(anchor)) return 'there is no such heading';
    return;
  };
  return files.flatMap((file) => {
    const text = withoutCode(readFileSync(join(root, file), 'utf8')).replace(/`[^`\n]*`/g, (code) =>
      ' '.repeat(code.length),
    );
    const links = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g), ...text.matchAll(/^\[[^\]]+\]: *(\S+)/gm)];
    return links.flatMap(({ 1: target, index }) => {
      const problem = problemOf(file, target!);
      const line = text.slice(0, index).split('\n').length;
      return problem ? [{ path: file, line, message: `link to ${target}: ${problem}` }] : [];
    });
  });
}
