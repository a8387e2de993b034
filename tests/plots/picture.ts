import { expect } from 'vitest';

/** An element of a picture. */
export interface Drawn {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Elements of a picture, in order; fails where it is not well-formed. */
export function elements(svg: string): Drawn[] {
  const open: string[] = [];
  const found = [...svg.matchAll(/<(\/?)([a-z]+)((?: [\w-]+="[^"<]*")*)(\/?)>|([^<]+)/g)];
  expect(found.map(([all]) => all).join('')).toBe(svg);
  const drawn = found.flatMap(([, end, name, attributes, alone, content]) => {
    if (content !== undefined) {
      expect(content).not.toMatch(/&(?!amp;|lt;|gt;|quot;)|>/);
      return [];
    }
    if (end) expect(open.pop()).toBe(name);
    else if (!alone) open.push(name!);
    const pairs = [...attributes!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
    return end ? [] : [{ name: name!, attributes: Object.fromEntries(pairs) as Record<string, string> }];
  });
  expect(open).toEqual([]);
  return drawn;
}

/** Elements of one kind that have an attribute. */
export const withAttribute = (svg: string, name: string, attribute: string): Drawn[] =>
  elements(svg).filter((one) => one.name === name && attribute in one.attributes);

/** Places that a path moves to. */
export const pathPoints = (d: string): (readonly [number, number])[] =>
  [...d.matchAll(/M(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);

/** Vertices of the parts of a curve, as the hooks of `svg.ts` say: absolute `M`, then relative `l`. */
export const curveOf = (d: string): (readonly [number, number])[][] =>
  d
    .split('M')
    .slice(1)
    .map((part) => {
      const [start = '', steps = ''] = part.split('l');
      const numbers = (text: string) => [...text.matchAll(/-?(?:\d+\.?\d*|\.\d+)/g)].map(([value]) => Number(value));
      const [x = NaN, y = NaN] = numbers(start);
      const places: (readonly [number, number])[] = [[x, y]];
      const moves = numbers(steps);
      for (let i = 0; i < moves.length; i += 2) {
        const [a, b] = places.at(-1)!;
        places.push([a + moves[i]!, b + moves[i + 1]!]);
      }
      return places;
    });

/** Turns places along an axis of a picture into values, as its `data-x` or `data-y` says. */
export function valuesOf(svg: string, axis: 'x' | 'y'): (place: number) => number {
  const parts = new RegExp(`data-${axis}="([^"]+)"`).exec(svg)![1]!.split(' ');
  const [v0, p0, v1, p1] = parts.slice(0, 4).map(Number) as [number, number, number, number];
  const [from, to] = parts[4] === 'log' ? [Math.log(v0), Math.log(v1)] : [v0, v1];
  return (place) => {
    const value = from + ((place - p0) / (p1 - p0)) * (to - from);
    return parts[4] === 'log' ? Math.exp(value) : value;
  };
}
