/**
 * A treemap: folders and files as rectangles within a rectangle, by size.
 *
 * The layout is "squarified": Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000).
 *
 * @module
 */

/** A file or folder to be laid out. */
interface Item<T> {
  /** At least 0; items of weight 0 have no rectangle. */
  readonly weight: number;
  readonly value: T;
}

/** A rectangle. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An item in its place. */
type Placed<T> = Box & { readonly value: T };

/** Lays items out in a rectangle, in proportion to their weights, as near to squares as may be. */
export function squarify<T>(items: readonly Item<T>[], box: Box): Placed<T>[] {
  const sorted = items.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const placed: Placed<T>[] = [];
  if (total <= 0 || box.width <= 0 || box.height <= 0) return placed;
  const scale = box.width * box.height / total;
  let free = box;
  for (let at = 0; at < sorted.length;) {
    const side = Math.min(free.width, free.height);
    let [count, sum] = [0, 0];
    let worst = Infinity;
    while (at + count < sorted.length) {
      const next = (sorted[at + count]?.weight ?? 0) * scale;
      const largest = (sorted[at]?.weight ?? 0) * scale;
      const ratio = ratioOf(largest, next, sum + next, side);
      if (count > 0 && ratio > worst) break;
      worst = ratio;
      sum += next;
      count++;
    }
    const row = sorted.slice(at, at + count);
    placed.push(...rowOf(row, free, { sum, scale }));
    free = behind(free, sum);
    at += count;
  }
  return placed;
}

/** How far the worst rectangle of a row is from a square. */
function ratioOf(largest: number, least: number, sum: number, side: number): number {
  return Math.max(side * side * largest / (sum * sum), sum * sum / (side * side * least));
}

/** A row of rectangles along the shorter side. */
function rowOf<T>(
  row: readonly Item<T>[],
  free: Box,
  { sum, scale }: { readonly sum: number; readonly scale: number },
): Placed<T>[] {
  const isColumn = free.width >= free.height;
  const depth = sum / (isColumn ? free.height : free.width);
  let at = isColumn ? free.y : free.x;
  return row.map(({ weight, value }) => {
    const length = weight * scale / depth;
    const box = isColumn
      ? { x: free.x, y: at, width: depth, height: length }
      : { x: at, y: free.y, width: length, height: depth };
    at += length;
    return { ...box, value };
  });
}

/** What is left of a rectangle behind a row. */
function behind(free: Box, sum: number): Box {
  if (free.width >= free.height) {
    const depth = sum / free.height;
    return { ...free, x: free.x + depth, width: Math.max(0, free.width - depth) };
  }
  const depth = sum / free.width;
  return { ...free, y: free.y + depth, height: Math.max(0, free.height - depth) };
}
