/** Wakes those that wait for something to change. */
export interface Bell {
  /** Has everyone look at the condition again. */
  ring(): void;
  /** Resolves once the condition holds, which is looked at now and at every ring. By then it may hold no more: look again. */
  until(condition: () => boolean): Promise<void>;
}

/** A bell. */
export function createBell(): Bell {
  let waiting: { readonly condition: () => boolean; readonly go: () => void }[] = [];
  return {
    ring() {
      if (waiting.length === 0) return;
      const all = waiting;
      waiting = [];
      for (const one of all)
        if (one.condition()) one.go();
        else waiting.push(one);
    },
    async until(condition) {
      if (condition()) return;
      await new Promise<void>((go) => waiting.push({ condition, go }));
    },
  };
}
