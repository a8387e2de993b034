import { tryParseJson } from '../../core/json-text.js';
import { followLines } from '../../io/follow-lines.js';
import { type Attempt, attemptSchema } from '../../study/state.js';

/** Follows a cell's `attempts.jsonl`: the lines so far, except broken ones. One call at a time. */
export function followAttempts(path: string): () => Promise<readonly Attempt[]> {
  const follower = followLines(path);
  let attempts: Attempt[] = [];
  return async () => {
    for (let more = true; more; ) {
      const part = await follower.read();
      if (part.restarted) attempts = [];
      for (const line of part.lines) {
        const { data } = attemptSchema.safeParse(tryParseJson(line));
        if (data) attempts.push(data);
      }
      more = part.more;
    }
    return attempts;
  };
}
