import { describe, expect, it } from 'vitest';
import { evidenceBar, WIDTH } from './evidence';
import type { Result } from './generated/events';

const AT = 1_700_000_000_000;

function result(parts: Partial<Result>): Result {
  return {
    provisional: false,
    outcome: 'completed',
    billed_s: 0,
    evidenced_ms: 0,
    bridged_ms: 0,
    paused_ms: 0,
    fault_ms: 0,
    total_ms: 0,
    free_ms: 0,
    customer_lane: [],
    technician_lane: [],
    segments: [],
    charges: [],
    total_minor: 0,
    currency: 'CHF',
    ...parts,
  };
}

describe('the evidence bar', () => {
  it('is not there when there is nothing to show', () => {
    expect(evidenceBar(result({}))).toBeNull();
    expect(evidenceBar(result({ customer_lane: [[AT, AT]] }))).toBeNull();
  });

  it('spans everything that was observed', () => {
    const bar = evidenceBar(
      result({
        customer_lane: [[AT, AT + 60_000]],
        technician_lane: [[AT + 30_000, AT + 100_000]],
      }),
    );
    expect(bar?.fromMs).toBe(AT);
    expect(bar?.toMs).toBe(AT + 100_000);
    expect(bar?.customer).toMatchObject([{ x: 0, width: 600 }]);
    expect(bar?.technician).toMatchObject([{ x: 300, width: 700 }]);
  });

  it('lays segments end to end over the same axis', () => {
    const bar = evidenceBar(
      result({
        segments: [
          { from_ms: AT, to_ms: AT + 20_000, reason: 'counted' },
          { from_ms: AT + 20_000, to_ms: AT + 50_000, reason: 'customer_silent' },
        ],
      }),
    );
    expect(bar?.segments).toMatchObject([
      { x: 0, width: 400 },
      { x: 400, width: 600 },
    ]);
  });

  it('keeps a short gap visible and inside the bar', () => {
    const bar = evidenceBar(
      result({
        customer_lane: [
          [AT, AT + 3_599_999],
          [AT + 3_599_999, AT + 3_600_000],
        ],
      }),
    );
    for (const block of bar?.customer ?? []) {
      expect(block.width).toBeGreaterThanOrEqual(2);
      expect(block.x).toBeGreaterThanOrEqual(0);
    }
    const last = bar?.customer[1];
    expect((last?.x ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(WIDTH);
  });

  it('leaves out empty and reversed stretches', () => {
    const bar = evidenceBar(
      result({
        customer_lane: [
          [AT, AT + 10],
          [AT + 5, AT + 5],
        ],
        segments: [{ from_ms: AT + 9, to_ms: AT + 9, reason: 'counted' }],
      }),
    );
    expect(bar?.customer).toHaveLength(1);
    expect(bar?.segments).toHaveLength(0);
  });
});
