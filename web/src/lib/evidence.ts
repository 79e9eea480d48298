/** The geometry of the evidence bar: where each stretch of the session lies, in thousandths. */
import type { Result, Segment } from './generated/events';

export const WIDTH = 1000;
/** Thinner stretches could not be seen; two thousandths is about a pixel on a phone. */
const MIN_WIDTH = 2;

export interface Block<T> {
  x: number;
  width: number;
  of: T;
}

export interface EvidenceBar {
  fromMs: number;
  toMs: number;
  customer: Block<readonly [number, number]>[];
  technician: Block<readonly [number, number]>[];
  segments: Block<Segment>[];
}

/** Lay out both lanes and the reasons over one common time axis; null when there is no time to show. */
export function evidenceBar(result: Result): EvidenceBar | null {
  const lanes = [...result.customer_lane, ...result.technician_lane] as [number, number][];
  const spans = [...lanes, ...result.segments.map((s) => [s.from_ms, s.to_ms] as const)];
  const fromMs = Math.min(...spans.map(([from]) => from));
  const toMs = Math.max(...spans.map(([, to]) => to));
  if (spans.length === 0 || toMs <= fromMs) return null;
  const scale = WIDTH / (toMs - fromMs);
  const place = <T>(from: number, to: number, of: T): Block<T> => {
    const x = (from - fromMs) * scale;
    const width = Math.max(MIN_WIDTH, (to - from) * scale);
    return { x: round(Math.min(x, WIDTH - MIN_WIDTH)), width: round(width), of };
  };
  const lane = (intervals: readonly (readonly [number, number])[]) =>
    intervals.filter(([from, to]) => to > from).map((i) => place(i[0], i[1], i));
  return {
    fromMs,
    toMs,
    customer: lane(result.customer_lane as [number, number][]),
    technician: lane(result.technician_lane as [number, number][]),
    segments: result.segments
      .filter((s) => s.to_ms > s.from_ms)
      .map((s) => place(s.from_ms, s.to_ms, s)),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
