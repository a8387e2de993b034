import { expect } from 'vitest';
import { inNamespace, withDisks } from '../helpers/namespace.js';

withDisks(
  'a script that fails shows its error at once, whatever it left running',
  async () => {
    const ended = await inNamespace('f() { sleep 600; }; f >/dev/null & echo why >&2; exit 3');
    expect(ended).toEqual({ code: 3, out: '', err: 'why\n' });
  },
  60_000,
);
