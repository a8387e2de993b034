import { describe, expect, it } from 'vitest';
import { limitTime } from '../../src/core/time-limit.js';

describe('limitTime', () => {
  it('stops what does not end, even where it catches everything, and then works as before', () => {
    const endless = () => {
      for (;;)
        try {
          for (;;);
        } catch {}
    };
    expect(() => limitTime(20, endless, () => new Error('late'))).toThrow('late');
    expect(
      limitTime(
        1000,
        () =>
          limitTime(
            1,
            () => 7,
            () => new Error('late'),
          ),
        () => new Error('late'),
      ),
    ).toBe(7);
    expect(() =>
      limitTime(
        1000,
        () => {
          throw new TypeError('own');
        },
        () => new Error('late'),
      ),
    ).toThrow('own');
  });

  it('tries again once: who was held up is not endless', () => {
    let tries = 0;
    const slowOnce = () => {
      if (tries++ === 0) for (;;);
      return 'done';
    };
    expect(limitTime(500, slowOnce, () => new Error('late'))).toBe('done');
  });
});
