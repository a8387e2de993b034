import { commentsOf, lineOf, type Problem, type Source } from './source.js';

/** Most columns of a line that has a comment; code is the formatter's affair. */
export const COMMENT_WIDTH = 120;

/** Finds comment lines that are too long to read. */
export function wideComments(source: Source): Problem[] {
  const lines = source.text.split('\n');
  const commented = new Set<number>();
  for (const { start, end } of commentsOf(source))
    for (let line = lineOf(source, start); line <= lineOf(source, end); line++) commented.add(line);
  return [...commented].flatMap((line) => {
    const width = lines[line - 1]!.length;
    if (width <= COMMENT_WIDTH) return [];
    return [{ path: source.path, line, message: `a comment of ${width} columns; ${COMMENT_WIDTH} are the most` }];
  });
}
