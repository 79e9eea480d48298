/** The server's clock as this page knows it. Billing never depends on it; only what is shown does. */
import { CLOCK_READS } from './limits';

export interface Reading {
  askedAtMs: number;
  answeredAtMs: number;
  serverNowMs: number;
}

/** Return what to add to the local clock: the reading with the shortest round trip is the truest. */
export function offsetMs(readings: readonly Reading[]): number | null {
  const best = [...readings].sort(
    (a, b) => a.answeredAtMs - a.askedAtMs - (b.answeredAtMs - b.askedAtMs),
  )[0];
  if (best === undefined) return null;
  return best.serverNowMs - (best.askedAtMs + best.answeredAtMs) / 2;
}

export class ServerClock {
  private offset = 0;

  constructor(private readonly local: () => number = Date.now) {}

  now(): number {
    return this.local() + this.offset;
  }

  /** Take a first guess from a message that says what time it is. */
  guess(serverNowMs: number): void {
    this.offset = serverNowMs - this.local();
  }

  /** Read the server's clock a few times. Failures leave the last offset standing. */
  async learn(read: () => Promise<{ now_ms: number }>): Promise<void> {
    const readings: Reading[] = [];
    for (let n = 0; n < CLOCK_READS; n += 1) {
      const askedAtMs = this.local();
      try {
        const { now_ms: serverNowMs } = await read();
        readings.push({ askedAtMs, answeredAtMs: this.local(), serverNowMs });
      } catch {
        break;
      }
    }
    this.offset = offsetMs(readings) ?? this.offset;
  }
}
