import type { Ratings } from './ratings.js';

/** How rows of two files are found to be the same: by their ids, or by what the user says in them. */
export type MatchBy = 'id' | 'content';

/** Two files' scores of the rows that both have. */
export interface Matched {
  readonly by: MatchBy;
  /** Ids in the first file. */
  readonly ids: readonly string[];
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Scored rows that only one file has. */
  readonly only: readonly [first: number, second: number];
  /** Rows of one id whose texts are not the same in the two files; these are not compared. */
  readonly differing: number;
}

/**
 * Matches the scored rows of two files; without `by`, in the way that finds more of them, ids where
 * both find as many.
 */
export function matchRows(first: Ratings, second: Ratings, by?: MatchBy): Matched {
  if (by !== undefined) return by === 'id' ? byId(first, second) : byContent(first, second);
  const ids = byId(first, second);
  if (ids.ids.length === Math.min(first.scores.size, second.scores.size)) return ids;
  const contents = byContent(first, second);
  return contents.ids.length > ids.ids.length ? contents : ids;
}

function byId(first: Ratings, second: Ratings): Matched {
  const common = [...first.scores.keys()].filter((id) => second.scores.has(id));
  const same = common.filter((id) => {
    const [one, other] = [first.texts.get(id), second.texts.get(id)];
    return !one || !other || one.key === other.key;
  });
  return matchOf(
    'id',
    first,
    second,
    same.map((id) => [id, id]),
    common.length - same.length,
  );
}

/** Where a content comes several times, its first row in each file stands for it. */
function byContent(first: Ratings, second: Ratings): Matched {
  const [one, other] = [contents(first), contents(second)];
  const pairs = [...one].flatMap(([key, id]): [string, string][] => (other.has(key) ? [[id, other.get(key)!]] : []));
  return matchOf('content', first, second, pairs, 0);
}

function contents({ scores, texts }: Ratings): Map<string, string> {
  const found = new Map<string, string>();
  for (const id of scores.keys()) {
    const key = texts.get(id)?.key;
    if (key !== undefined && !found.has(key)) found.set(key, id);
  }
  return found;
}

const matchOf = (
  by: MatchBy,
  first: Ratings,
  second: Ratings,
  pairs: readonly (readonly [string, string])[],
  differing: number,
): Matched => ({
  by,
  ids: pairs.map(([id]) => id),
  x: Float64Array.from(pairs, ([id]) => first.scores.get(id)!),
  y: Float64Array.from(pairs, ([, id]) => second.scores.get(id)!),
  only: [first.scores.size - pairs.length, second.scores.size - pairs.length],
  differing,
});
