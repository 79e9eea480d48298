/**
 * Judge a connection in three words from its counters. A pure reducer: the caller reads the counters.
 *
 * A verdict changes only when several looks in a row agree, so that the words do not flicker.
 */
export type Quality = 'good' | 'fair' | 'poor';

export interface Counters {
  /** Packets received and missed so far in this generation. */
  packets: number;
  lost: number;
  /** Share of our own packets that the far side missed lately, 0 to 1. */
  farLoss: number;
  /** To the far side and back, or null when not known yet. */
  rttMs: number | null;
}

export interface Verdict {
  quality: Quality | null;
  counters: Counters | null;
  /** What the last looks said, and how many in a row. */
  candidate: Quality | null;
  agreed: number;
}

export const NO_VERDICT: Verdict = { quality: null, counters: null, candidate: null, agreed: 0 };

/** Speech survives a few percent of loss; at ten it breaks up (ITU-T G.113, with Opus concealment). */
const LOSS_FAIR = 0.03;
const LOSS_POOR = 0.1;
/** Conversation stays natural up to 400 ms there and back, twice ITU-T G.114's 150 ms and some. */
const RTT_FAIR_MS = 400;
const RTT_POOR_MS = 900;
/** Getting worse is said sooner than getting better. */
const LOOKS_TO_WORSEN = 3;
const LOOKS_TO_IMPROVE = 8;
/** Fewer packets than these between two looks say nothing about loss. */
const PACKETS_MIN = 10;
const RANK: Readonly<Record<Quality, number>> = { good: 0, fair: 1, poor: 2 };

export function judge(before: Verdict, counters: Counters): Verdict {
  if (before.counters === null || counters.packets < before.counters.packets) {
    return { ...NO_VERDICT, counters };
  }
  const now = momentary(before.counters, counters);
  const agreed = now === before.candidate ? before.agreed + 1 : 1;
  const worsens = before.quality === null || RANK[now] > RANK[before.quality];
  const isSettled = agreed >= (worsens ? LOOKS_TO_WORSEN : LOOKS_TO_IMPROVE);
  return { quality: isSettled ? now : before.quality, counters, candidate: now, agreed };
}

function momentary(before: Counters, now: Counters): Quality {
  const got = now.packets - before.packets;
  const missed = Math.max(0, now.lost - before.lost);
  const loss = got + missed < PACKETS_MIN ? 0 : missed / (got + missed);
  const worst = Math.max(loss, now.farLoss);
  const rttMs = now.rttMs ?? 0;
  if (worst >= LOSS_POOR || rttMs >= RTT_POOR_MS) return 'poor';
  return worst >= LOSS_FAIR || rttMs >= RTT_FAIR_MS ? 'fair' : 'good';
}
