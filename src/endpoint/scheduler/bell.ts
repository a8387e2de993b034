/**
 * Wakes whoever waits until shared state meets a condition: as a condition variable does between threads. Whoever changes the state
 * rings.
 */
export interface Bell {
  /** Has every waiting condition checked again. */
  ring(): void;
  /** Resolves once the condition holds, which is checked now and at every ring. By the time the caller resumes it may no longer hold. */
  until(condition: () => boolean): Promise<void>;
}

export function createBell(): Bell {
  let waiting: { readonly condition: () => boolean; readonly wake: () => void }[] = [];
  return {
    ring() {
      if (waiting.length === 0) return;
      const all = waiting;
      waiting = [];
      for (const waiter of all)
        if (waiter.condition()) waiter.wake();
        else waiting.push(waiter);
    },
    async until(condition) {
      if (condition()) return;
      await new Promise<void>((wake) => waiting.push({ condition, wake }));
    },
  };
}
