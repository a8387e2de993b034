import { element, rounded } from './svg.js';
import { colour, type Marker, type SeriesLook } from './theme.js';

/** Outlines around the place before them, all of about the same area. */
const SHAPES: Readonly<Record<Marker, string>> = {
  circle: 'm-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z',
  square: 'm-4-4h8v8h-8z',
  triangle: 'm0-5l5 9h-10z',
  diamond: 'm0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z',
};

/** Markers of a series at places, as one path; nothing where there is no place. */
export function markers(look: SeriesLook, places: readonly (readonly [x: number, y: number])[]): string {
  if (places.length === 0) return '';
  const d = places.map(([x, y]) => `M${rounded(x)} ${rounded(y)}${SHAPES[look.marker]}`).join('');
  // A rim in the colour of the paper parts markers from lines below them.
  return look.open
    ? element('path', { d, fill: colour('paper'), stroke: look.colour, 'stroke-width': 2 })
    : element('path', { d, fill: look.colour, stroke: colour('paper') });
}
