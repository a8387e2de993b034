import type { Budget } from './budget.js';
import { addMark, type Mark, type Text } from './text.js';

/** A text that is put together from pieces, and may not become too large. */
export interface Builder {
  /** Adds a piece; a plain string comes from no turn. */
  put(part: Text | string): undefined;
  done(): Text;
}

/** A builder without pieces. */
export function createBuilder(budget: Budget): Builder {
  const marks: Mark[] = [];
  let text = '';
  return {
    put(part) {
      const added = typeof part === 'string' ? part : part.text;
      budget.size(text.length + added.length);
      if (typeof part !== 'string') for (const mark of part.marks) addMark(marks, mark, text.length);
      text += added;
      return undefined;
    },
    done: () => ({ kind: 'text', text, marks }),
  };
}
