/** The four places where one's own picture may lie. */
export type Corner = 'bottom-right' | 'bottom-left' | 'top-left' | 'top-right';

const ROUND: readonly Corner[] = ['bottom-right', 'bottom-left', 'top-left', 'top-right'];

export function nextCorner(corner: Corner): Corner {
  return ROUND[(ROUND.indexOf(corner) + 1) % ROUND.length] ?? 'bottom-right';
}

/** The corner of a room of this size that is nearest to a point in it. */
export function nearestCorner(
  x: number,
  y: number,
  { width, height }: { width: number; height: number },
): Corner {
  return `${y < height / 2 ? 'top' : 'bottom'}-${x < width / 2 ? 'left' : 'right'}`;
}
