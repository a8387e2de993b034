import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { bandsFor, findDuplicates } from '../../src/curriculum/duplicates.js';
import { openShingles, shinglesOf, similarity } from '../../src/curriculum/shingles.js';
import type { Message } from '../../src/data/record.js';
import { result, row, tableOf } from './rows.js';

const asked = (...texts: string[]) => texts.map((text, i) => row(`r${i}`, i, text));
const setsOf = (...texts: string[]) => {
  const store = openShingles();
  for (const record of asked(...texts)) store.add(record);
  return store;
};
const alike = (x: string, y: string) => similarity(setsOf(x, y), 0, 1, 0);
const found = (texts: readonly string[], nearDuplicates = 0.8, seed = 0) => {
  const { keys, shingles } = tableOf(asked(...texts));
  return result(findDuplicates(keys, shingles, { nearDuplicates, seed }));
};

/** Words of a text and its shingles the slow way: three in a row, with marks at both ends. */
const slow = (words: readonly string[]) => {
  const marked = ['<', '<', ...words, '>', '>'];
  return new Set(marked.slice(2).map((_, i) => marked.slice(i, i + 3).join(' ')));
};
const jaccard = (x: Set<string>, y: Set<string>) => {
  const both = [...x].filter((shingle) => y.has(shingle)).length;
  return both / (x.size + y.size - both);
};

describe('shingles', () => {
  it('are the same whatever the case, white space and punctuation of sentences', () => {
    expect(alike('What is it, then?', ' what IS\nit then')).toBe(1);
  });

  it('heed signs that carry meaning, and scripts that do not space their words', () => {
    expect(alike('What is 3 + 4?', 'What is 3 * 4?')).toBeLessThan(0.5);
    expect(alike('法国的首都是哪里', '法国的首都是哪座城市')).toBeGreaterThan(0.3);
    expect(alike('法国的首都是哪里', '德国有多少人口')).toBeLessThan(0.2);
  });

  it('one changed word of L leaves L - 1 of L + 5', () => {
    const words = Array.from({ length: 25 }, (_, i) => `w${i}`);
    expect(alike(words.join(' '), words.with(12, 'other').join(' '))).toBeCloseTo(24 / 30, 12);
  });

  it('leave out system turns and the answer, and take the turns between', () => {
    const say = (...messages: [Message['role'], string][]) =>
      shinglesOf({ id: 'x', messages: messages.map(([role, content]) => ({ role, content })) });
    const plain = say(['user', 'how are you'], ['assistant', 'fine']);
    expect(say(['system', 'Be brief.'], ['user', 'how are you'], ['assistant', 'what'])).toEqual(plain);
    expect(say(['user', 'how are you'], ['assistant', 'fine'], ['user', 'and now'], ['assistant', 'ok']).length).toBe(
      plain.length + 3 + 4,
    );
  });

  it('give the Jaccard similarity of the sets, and nothing under the least that is asked for', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd');
    const words = fc.array(word, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(words, words, (x, y) => {
        const true_ = jaccard(slow(x), slow(y));
        const sets = setsOf(x.join(' '), y.join(' '));
        expect(similarity(sets, 0, 1, 0)).toBeCloseTo(true_, 12);
        expect(similarity(sets, 0, 1, 0.5)).toBeCloseTo(true_ >= 0.5 ? true_ : -1, 12);
      }),
      { seed: 9, numRuns: 200 },
    );
  });

  it('of a long text are 256, and still tell how alike it is', () => {
    const rng = random(1, 'long');
    const words = Array.from({ length: 4000 }, () => `w${rng.integer(1e6)}`);
    const [record] = asked(words.join(' '));
    expect(shinglesOf(record!)).toHaveLength(256);
    const other = words.map((word, i) => (i % 40 === 0 ? 'other' : word));
    expect(alike(words.join(' '), words.join(' '))).toBe(1);
    // Three in forty changed: Jaccard 37 / 43 = 0.86, told within a sample's error.
    expect(Math.abs(alike(words.join(' '), other.join(' ')) - 37 / 43)).toBeLessThan(0.08);
  });

  it('lie in several pieces of memory when there are many', () => {
    const long = (n: number) => Array.from({ length: 300 }, (_, i) => `w${n}x${i}`).join(' ');
    const store = openShingles();
    const records = Array.from({ length: 4200 }, (_, n) => row(`r${n}`, 0, long(n % 10)));
    for (const record of records.slice(0, 10)) store.add(record);
    const first = store.at(3);
    const kept = first.hashes.slice(first.from, first.to);
    for (const record of records.slice(10)) store.add(record);
    expect(store.at(4193).hashes).not.toBe(first.hashes);
    const later = store.at(4193);
    expect(later.hashes.slice(later.from, later.to)).toEqual(kept);
  });
});

describe('findDuplicates', () => {
  const words = Array.from({ length: 30 }, (_, i) => `word${i}`);

  it('puts equal and near instructions into one cluster, through others too, and counts them', () => {
    const a = words.join(' ');
    const b = words.with(3, 'x').join(' ');
    const c = words.with(3, 'x').with(20, 'y').join(' ');
    const { clusterOf, ...counts } = found([a, 'something else', b, c, ` ${a.toUpperCase()} `]);
    expect([...clusterOf]).toEqual([0, 1, 0, 0, 0]);
    expect(counts).toEqual({ exact: 1, near: 2, clusters: 1, largest: 4, uncompared: 0 });
  });

  it('finds equal ones only when asked to', () => {
    const { clusterOf, exact, near } = found([words.join(' '), words.with(3, 'x').join(' '), words.join('  ')], 0);
    expect([[...clusterOf], exact, near]).toEqual([[0, 1, 0], 1, 0]);
  });

  it('misses hardly a pair over the threshold and joins none under it', () => {
    const rng = random(4, 'texts');
    const texts = Array.from({ length: 120 }, () => {
      const base = Array.from({ length: 20 + rng.integer(20) }, (_, i) => `t${rng.integer(3)}w${i}`);
      return base.map((word) => (rng.uniform() < 0.02 ? 'changed' : word));
    });
    const more = texts.flatMap((text) => [text, text.with(rng.integer(text.length), 'other')]);
    const sets = more.map(slow);
    const { clusterOf } = found(more.map((text) => text.join(' ')));
    const pairs = more.flatMap((_, i) =>
      more.slice(0, i).flatMap((__, j) => (jaccard(sets[i]!, sets[j]!) >= 0.8 ? [[i, j]] : [])),
    );
    expect(pairs.length).toBeGreaterThan(60);
    expect(pairs.filter(([i, j]) => clusterOf[i!] !== clusterOf[j!])).toEqual([]);
    const near = more.map((_, i) => clusterOf.filter((first) => first === clusterOf[i]).length > 1);
    for (const [i, is] of near.entries()) expect(is).toBe(pairs.some((pair) => pair.includes(i)));
  });

  it('is the same every time', () => {
    const texts = Array.from({ length: 50 }, (_, i) => words.with(i % 30, `z${i % 7}`).join(' '));
    expect(found(texts)).toEqual(found(texts));
    expect(found(texts, 0.8, 5).largest).toBe(found(texts).largest);
  });

  it('tells when too many rows of one form were not all compared', () => {
    const frame = words.slice(0, 9).join(' ');
    const { uncompared, largest } = found(
      Array.from({ length: 700 }, (_, i) => `${frame} ${i} ${i * 7} ${i * 3}`),
      0.5,
    );
    expect(largest).toBe(1);
    expect(uncompared).toBeGreaterThan(0);
  });
});

describe('bandsFor', () => {
  it.each([
    [0.8, 21, 6],
    [0.5, 64, 2],
    [1, 1, 128],
  ])('at %f makes %i bands of %i', (threshold, bands, rows) => {
    expect(bandsFor(threshold)).toEqual({ bands, rows });
  });

  it('misses a pair just at the threshold at most twice in a thousand times, with at most 128 hashes', () => {
    for (let t = 50; t <= 100; t++) {
      const { bands, rows } = bandsFor(t / 100);
      expect(bands * rows).toBeLessThanOrEqual(128);
      expect((1 - (t / 100) ** rows) ** bands).toBeLessThanOrEqual(2e-3);
    }
  });
});

describe('copies that look the same', () => {
  const plain = ['élève français forêt ガ', 'où est le café déjà', 'ABC 12 oﬃce', 'naïve hôtel âge'];
  it.each([
    ['decomposed accents', (text: string) => text.normalize('NFD')],
    ['compatible characters', (text: string) => text.normalize('NFKD')],
    [
      'full-width letters',
      (text: string) => text.replace(/[A-Z0-9]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
    ],
    ['zero-width spaces', (text: string) => [...text.normalize('NFC')].join('\u200b')],
    ['a byte order mark', (text: string) => `\ufeff${text}\u200d`],
    ['soft hyphens and no-break spaces', (text: string) => text.replaceAll(' ', '\u00ad\u00a0')],
  ])('that differ only in %s are one cluster, and counted as equal', (_, change) => {
    const { clusterOf, exact, near, clusters } = found([...plain, ...plain.map(change)]);
    expect([...clusterOf]).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    expect({ exact, near, clusters }).toEqual({ exact: 4, near: 0, clusters: 4 });
    for (const text of plain) expect(alike(text, change(text))).toBe(1);
  });
});
