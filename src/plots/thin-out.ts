/** A point of a curve in a picture. */
export type Point = readonly [x: number, y: number];

/**
 * At most `most` of the points [400], in order: the first, the last, and of each stretch between them the lowest and
 * the highest. So every spike stays as high as it is, and the outline of a curve with many points per pixel is the
 * same; ways that pick one point a stretch by area (LTTB) lose the lower of two spikes. Points: sorted by x.
 */
export function thinOut(points: readonly Point[], most = 400): readonly Point[] {
  if (points.length <= most) return points;
  const inner = points.length - 2;
  const stretches = Math.max(1, Math.floor((most - 2) / 2));
  const kept: Point[] = [points[0]!];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = 1 + Math.floor((stretch * inner) / stretches);
    const to = 1 + Math.floor(((stretch + 1) * inner) / stretches);
    let [low, high] = [from, from];
    for (let i = from + 1; i < to; i++) {
      if (points[i]![1] < points[low]![1]) low = i;
      if (points[i]![1] > points[high]![1]) high = i;
    }
    kept.push(points[Math.min(low, high)]!);
    if (low !== high) kept.push(points[Math.max(low, high)]!);
  }
  kept.push(points.at(-1)!);
  return kept;
}
