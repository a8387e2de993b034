import { COMMENT_WIDTH } from './sizes.js';
import { commentsOf, type Source } from './source.js';

/** Columns to which what is too wide is wrapped. */
const WRAPPED_WIDTH = 100;

/** What begins a line of its own: a tag, an item of a list, a table, a heading, indented code. */
const OWN_LINE = /^(@|[-*+|#>] ?|\d+\. |```|\s)/;

/** A paragraph's words in lines that begin with `prefix`. Code between backticks and links are not broken. */
function fill(words: readonly string[], prefix: string): string[] {
  const lines: string[] = [];
  let line = prefix;
  for (const word of words) {
    if (line !== prefix && line.length + 1 + word.length > WRAPPED_WIDTH) {
      lines.push(line.trimEnd());
      line = prefix;
    }
    line += line === prefix ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Words of a text; what stands between backticks or in a link's braces counts as part of one. */
const wordsOf = (text: string): string[] => text.match(/(?:`[^`]*`|\{@[^}]*\}|\S)+/g) ?? [];

/** Lines of text, each paragraph with too wide a line wrapped. */
function wrapLines(texts: readonly string[], prefix: string, limit = COMMENT_WIDTH): string[] {
  const lines: string[] = [];
  for (let at = 0; at < texts.length; ) {
    let end = at + 1;
    const begins = texts[at]!;
    if (begins.startsWith('@example')) {
      // Code: its lines stay as they are.
      while (end < texts.length && !texts[end]!.startsWith('@')) end++;
      lines.push(...texts.slice(at, end).map((text) => `${prefix}${text}`.trimEnd()));
      at = end;
      continue;
    }
    if (begins.trim() !== '' && !/^(\||```|\s)/.test(begins))
      while (end < texts.length && texts[end]!.trim() !== '' && !OWN_LINE.test(texts[end]!)) end++;
    const paragraph = texts.slice(at, end);
    const wide = paragraph.some((text) => prefix.length + text.length > limit);
    // An item's or a tag's later lines keep their own indentation, which is not known here.
    if (wide && !/^\s/.test(begins)) lines.push(...fill(wordsOf(paragraph.join(' ')), prefix));
    else lines.push(...paragraph.map((text) => `${prefix}${text}`.trimEnd()));
    at = end;
  }
  return lines;
}

/** A block comment as it stands in its file, wrapped. */
function wrapBlock(comment: string, indent: string): string {
  const open = comment.startsWith('/**') ? '/**' : '/*';
  const texts = comment
    .slice(open.length, -2)
    .split('\n')
    .map((line, index) => (index === 0 ? line.replace(/^ /, '') : line.replace(/^\s*\* ?/, '')).trimEnd());
  while (texts[0] === '') texts.shift();
  while (texts.at(-1) === '') texts.pop();
  const limit = texts.length === 1 ? WRAPPED_WIDTH : COMMENT_WIDTH;
  return [open, ...wrapLines(texts, `${indent} * `, limit), `${indent} */`].join('\n');
}

/** A source's text with its too wide comments wrapped. A comment behind code on its line is left as it is. */
export function wrapComments(source: Source): string {
  const { text } = source;
  let wrapped = '';
  let from = 0;
  const comments = commentsOf(source);
  for (let index = 0; index < comments.length; index++) {
    const { start, end } = comments[index]!;
    const lineStart = text.lastIndexOf('\n', start - 1) + 1;
    const indent = text.slice(lineStart, start);
    if (indent.trim() !== '' || start < from) continue;
    let last = end;
    let made: string;
    if (text.startsWith('//', start)) {
      // Lines of one indentation, one right below the other, are one text.
      const texts = [text.slice(start, end)];
      for (let next = comments[index + 1]; next; next = comments[index + 1]) {
        if (text.slice(last, next.start) !== `\n${indent}` || !text.startsWith('//', next.start)) break;
        texts.push(text.slice(next.start, next.end));
        last = next.end;
        index++;
      }
      made = wrapLines(
        texts.map((line) => line.replace(/^\/\/ ?/, '')),
        `${indent}// `,
      )
        .join('\n')
        .slice(indent.length);
    } else made = wrapBlock(text.slice(start, end), indent);
    const wide = text
      .slice(lineStart, last)
      .split('\n')
      .some((line) => line.length > COMMENT_WIDTH);
    if (!wide) continue;
    wrapped += text.slice(from, start) + made;
    from = last;
  }
  return wrapped + text.slice(from);
}
