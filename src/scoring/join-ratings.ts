import type { InstructionRecord } from '../data/record.js';
import { type MatchBy, matchRows } from './match.js';
import { type Ratings, recordText } from './ratings.js';

/** Rows matched with the scores of another file. */
export interface JoinedRatings {
  readonly by: MatchBy;
  /** Score of each row that has one, by the row's id. */
  readonly scores: ReadonlyMap<string, number>;
  /** Rows that no score was found for. */
  readonly missing: number;
  /** Scores that belong to none of the rows. */
  readonly unused: number;
  /** Rows whose id has a score of a row with another text; they get none. */
  readonly differing: number;
}

/**
 * Finds the score of each row in another file, by id or by what the user says in it; `auto` takes whichever finds more. By content, rows that
 * say the same get the same score.
 */
export function joinRatings(
  records: readonly InstructionRecord[],
  ratings: Ratings,
  match: MatchBy | 'auto',
): JoinedRatings {
  const texts = new Map(records.map((record) => [record.id, recordText(record)]));
  const rows = { ...ratings, texts, scores: new Map(records.map(({ id }) => [id, 0])) };
  const { by, ids, y, differing } = matchRows(rows, ratings, match === 'auto' ? undefined : match);
  const scores = new Map(ids.map((id, i) => [id, y[i]!]));
  const unused = ratings.scores.size - ids.length - differing;
  if (by === 'content') {
    const byKey = new Map(ids.map((id) => [texts.get(id)!.key, scores.get(id)!]));
    for (const { id } of records) {
      const score = byKey.get(texts.get(id)!.key);
      if (score !== undefined) scores.set(id, score);
    }
  }
  return { by, scores, missing: records.length - scores.size, unused, differing };
}
