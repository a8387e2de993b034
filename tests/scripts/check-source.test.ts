import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deadLinks, exportsWithoutComment } from '../../scripts/checks/doc-comments.js';
import { flagsInLibrary } from '../../scripts/checks/flags.js';
import { anchorsOf, deadMarkdownLinks, markdownFiles } from '../../scripts/checks/links.js';
import { wideComments } from '../../scripts/checks/sizes.js';
import { commentsOf, sourceOf } from '../../scripts/checks/source.js';
import { wrapComments } from '../../scripts/checks/wrap.js';
import { temporaryFolder } from '../helpers/folder.js';

const source = (...lines: string[]) => sourceOf('src/a.ts', `${lines.join('\n')}\n`);

test('comments are found, and nothing in texts, templates or patterns is taken for one', () => {
  const read = source(
    'const a = "// no"; // yes',
    `const b = \`/* no \${a /* yes too */} // no\`;`,
    'const c = /https?:\\/\\//; /* and this */',
  );
  const comments = commentsOf(read).map(({ start, end }) => read.text.slice(start, end));
  expect(comments).toEqual(['// yes', '/* yes too */', '/* and this */']);
});

describe('doc comments', () => {
  test('an export without one is a problem; the first signature speaks for all', () => {
    const read = source(
      '/** Has one. */',
      'export const a = 1;',
      'export const b = 2;',
      '/** First. */',
      'export function c(x: string): void;',
      'export function c(x: number): void;',
      'export function c(): void {}',
      'const inside = 3;',
    );
    expect(exportsWithoutComment(read)).toEqual([
      { path: 'src/a.ts', line: 3, message: 'b: exported without a doc comment' },
    ]);
  });

  test('a link must name what the file declares or imports', () => {
    const read = source(
      "import { far, type Far as Near } from './b.js';",
      '/** See {@link far}, {@link Near.size}, {@link here}, {@link member} and {@link gone}. */',
      'export const here = 1;',
      'interface Holder {',
      '  /** Not {@link Lost.part}. */',
      '  member: string;',
      '}',
    );
    expect(deadLinks(read).map(({ line, message }) => [line, message])).toEqual([
      [2, '{@link gone}: no such name in this file'],
      [5, '{@link Lost.part}: no such name in this file'],
    ]);
  });
});

describe('comment width', () => {
  const words = 'word '.repeat(40).trim();

  test('a wide comment is a problem, wide code is not', () => {
    const read = source(`const a = '${words}';`, `// ${words}`, '/**', ` * ${words}`, ' */');
    expect(wideComments(read).map(({ line }) => line)).toEqual([2, 4]);
  });

  test('wrapping makes wide comments narrow, and changes neither words nor code nor what is narrow', () => {
    const read = source(
      `const a = '// ${words}';`,
      '  // narrow,',
      '  // as it is',
      'const b = 1;',
      `  // ${words}`,
      '  // goes on `with code that is not broken`',
      `/** ${words} {@link a} */`,
      'const c = 2;',
      '/**',
      ` * ${words}`,
      ' *',
      ' *     indented code',
      ' * - an item',
      ' * @returns nothing',
      ' * @example',
      ' * const first = one();',
      ' * const second = two();',
      ' */',
    );
    const wrapped = wrapComments(read);
    const plain = (text: string) =>
      text
        .split(/\s+/)
        .filter((word) => !/^(\/\/|\/\*\*|\*|\*\/)$/.test(word))
        .join(' ');
    expect(plain(wrapped)).toBe(plain(read.text));
    expect(wideComments(sourceOf('src/a.ts', wrapped))).toEqual([]);
    for (const kept of [
      `const a = '// ${words}';`,
      '  // narrow,\n  // as it is\n',
      ' *\n *     indented code\n * - an item\n',
      ' * @example\n * const first = one();\n * const second = two();\n',
    ])
      expect(wrapped).toContain(kept);
    expect(wrapComments(sourceOf('src/a.ts', wrapped))).toBe(wrapped);
  });
});

describe('flags', () => {
  const found = (...lines: string[]) =>
    flagsInLibrary([source(...lines)], ['train', 'stage'], {}).map(
      ({ line, message }) => `${line} ${/`([^`]*)`/.exec(message)![1]}`,
    );

  test('flags and commands are found in texts, templates and comments', () => {
    expect(
      found(
        "const a = 'raise --max-length';",
        `const b = \`run \${a}: phasetune stage FILE --lora.rank=8\`;`,
        '/** As `--dry-run` shows. */',
        '// phasetune train makes it',
      ),
    ).toEqual(['1 --max-length', '2 --lora.rank', '2 phasetune stage', '3 --dry-run', '4 phasetune train']);
  });

  test('options, the name alone, decrements, rules and variables of style sheets are none', () => {
    expect(
      found(
        "const css = ':root { --page-ink: #000; --plot-s-1:#fff } p { color: var(--page-ink) }'",
        "const a = 'raise `maxLength` -- or else; phasetune trains, see phasetune'",
        'let b = 2; b--; --b;',
        '// -----',
      ),
    ).toEqual([]);
  });

  test("another program's flag is allowed where it is listed, and only there, and no entry is idle", () => {
    const read = [source("function ask() { return ['--version', '--help']; }", "const other = '--version';")];
    const problems = flagsInLibrary(read, ['train'], { 'src/a.ts#ask': ['--version', '--all'] });
    expect(problems.map(({ path, line, message }) => `${path}:${line} ${message.split(';')[0]}`)).toEqual([
      'src/a.ts:1 ask names `--help`',
      'src/a.ts:2 other names `--version`',
      "src/a.ts#ask:1 --all is listed as another program's, but is not named there",
    ]);
  });
});

describe('links of pages', () => {
  test('anchors are those of GitHub', () => {
    const text =
      '# How `it` works, *really*\n## Same\n## Same\n```\n# not one\n```\n### On an H200: 2.0 [linked](x.md)\n';
    expect([...anchorsOf(text)]).toEqual(['how-it-works-really', 'same', 'same-1', 'on-an-h200-20-linked']);
  });

  test('dead files, dead headings and ways out of the repository are found, by line', () => {
    const root = temporaryFolder('links');
    mkdirSync(join(root, 'docs'));
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'node_modules/a.md'), '[dead](gone.md)');
    writeFileSync(join(root, 'LICENSE'), '');
    writeFileSync(join(root, 'docs/b.md'), '# B\n\n[up](../a.md#one-two) [out](../../x.md)\n\n[self](#b) [self](#c)\n');
    writeFileSync(
      join(root, 'a.md'),
      '# One two\n[b](docs/b.md#b) [web](https://example.org/x) [L](LICENSE) `[code](no.md)`\n```\n[code](no.md)\n```\n[x](no.md) [y](docs/b.md#two)\n[r]: gone.md\n',
    );
    const files = markdownFiles(root);
    expect(files).toEqual(['a.md', 'docs/b.md']);
    expect(deadMarkdownLinks(root, files).map(({ path, line, message }) => `${path}:${line} ${message}`)).toEqual([
      'a.md:6 link to no.md: there is no such file',
      'a.md:6 link to docs/b.md#two: there is no such heading',
      'a.md:7 link to gone.md: there is no such file',
      'docs/b.md:3 link to ../../x.md: leads out of the repository',
      'docs/b.md:5 link to #c: there is no such heading',
    ]);
  });
});
