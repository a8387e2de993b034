import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromState, random } from '../../src/core/random.js';

describe('random numbers', () => {
  it("are xoshiro128**'s: the first ten of the state 1, 2, 3, 4, as the published C gives them", () => {
    const generator = fromState([1, 2, 3, 4]);
    const words = Array.from({ length: 10 }, () => generator.uniform() * 2 ** 32);
    expect(words).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('go on from a saved state exactly', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(50), (seed, drawn) => {
        const first = random(seed, 'a');
        for (let i = 0; i < drawn; i++) first.uniform();
        const second = fromState(JSON.parse(JSON.stringify(first.state())));
        const draw = (r: typeof first) => [r.uniform(), r.integer(1000), r.normal(), ...r.shuffle([1, 2, 3, 4, 5])];
        expect(draw(second)).toEqual(draw(first));
      }),
    );
  });

  it('differ by seed and by label, and a label cannot be split into two', () => {
    const first = (...labels: Parameters<typeof random>) => random(...labels).uniform();
    const all = [first(1), first(2), first(1, 'a'), first(1, 'a', 'b'), first(1, 'ab'), first(1, 'a', 1), first(11)];
    expect(new Set(all).size).toBe(all.length);
    expect(first(1, 'a', 'b')).toBe(all[3]);
  });

  it('shuffle keeps every item, leaves the list alone, and favours no order', () => {
    const generator = random(7);
    const items = [0, 1, 2];
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = generator.shuffle(items).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(items).toEqual([0, 1, 2]);
    expect([...counts.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it('normal has mean 0, variance 1 and the tails of a normal', () => {
    const generator = random(3);
    const draws = Array.from({ length: 20_000 }, () => generator.normal());
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    const beyondTwo = draws.filter((x) => Math.abs(x) > 2).length / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(0.006);
  });
});
