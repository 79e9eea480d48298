/** What a measured network means for a call: a grade for a person, a code for support. */

export interface Measured {
  /** From the tap to connected media. */
  connectMs: number;
  /** Between this page and the relay. */
  roundTripMs: number;
  /** Of all packets, 0 to 1, there and back. */
  loss: number;
  jitterMs: number;
  /** What arrived of the test picture, in kbit/s. */
  kbps: number;
  /** How the packets went: `udp`, `tcp`, or `relay` through a TURN server. */
  path: 'udp' | 'tcp' | 'relay';
}

/** Why nothing could be measured. */
export type CheckFailure = 'unreachable' | 'busy' | 'blocked' | 'unsupported';
export type Grade = 'good' | 'fair' | 'poor';
export type Verdict = Grade | CheckFailure;

interface Bound {
  roundTripMs: number;
  loss: number;
  jitterMs: number;
  kbps: number;
}
/** A conversation is natural up to 300 ms there and back with jitter buffers (ITU-T G.114). */
const GOOD: Bound = { roundTripMs: 200, loss: 0.02, jitterMs: 30, kbps: 600 };
/** Speech stays understandable and the picture is of use, if not smooth. */
const FAIR: Bound = { roundTripMs: 500, loss: 0.08, jitterMs: 80, kbps: 200 };

function isWithin(measured: Measured, bound: Bound): boolean {
  return (
    measured.roundTripMs <= bound.roundTripMs &&
    measured.loss <= bound.loss &&
    measured.jitterMs <= bound.jitterMs &&
    measured.kbps >= bound.kbps
  );
}

export function grade(measured: Measured): Grade {
  if (isWithin(measured, GOOD)) return 'good';
  return isWithin(measured, FAIR) ? 'fair' : 'poor';
}

const LETTERS: Readonly<Record<Verdict, string>> = {
  good: 'G',
  fair: 'F',
  poor: 'P',
  unreachable: 'X1',
  busy: 'X2',
  blocked: 'X3',
  unsupported: 'X4',
};

/** Write what support needs to know, short enough to be read out. docs/test-call.md explains it. */
export function supportCode(verdict: Verdict, measured: Measured | null): string {
  if (measured === null) return LETTERS[verdict];
  const { path, roundTripMs, loss, jitterMs, kbps, connectMs } = measured;
  return [
    LETTERS[verdict],
    path.charAt(0).toUpperCase() + Math.round(roundTripMs),
    `L${Math.round(loss * 1000)}`,
    `J${Math.round(jitterMs)}`,
    `K${Math.round(kbps)}`,
    `C${Math.round(connectMs / 100)}`,
  ].join('-');
}
