import { describe, expect, it } from 'vitest';
import type { Price, SessionState } from './generated/events';
import { priceWords } from './price-words';

function words(price: Price, freeMs: number, locale: 'de' | 'en' = 'en'): string {
  const state = { price, booked_ms: 900_000, free_ms: freeMs } as SessionState;
  // Number formats put a no-break space before or after the currency.
  return priceWords(state, locale).join(' ').replaceAll('\u00a0', ' ');
}

describe('what it costs, in words', () => {
  it('says what a package covers', () => {
    const text = words({ kind: 'fixed', currency: 'CHF', price_minor: 4_000 }, 60_000);
    expect(text).toContain('CHF 40.00 for up to 15 minutes.');
    expect(text).not.toContain('free');
  });

  it('says plainly that something is free', () => {
    expect(words({ kind: 'metered', currency: 'CHF', rate_minor_per_hour: 0 }, 60_000)).toBe(
      'Free of charge, for at most 15 minutes.',
    );
  });

  it('says how much of a metered call is free', () => {
    const price: Price = { kind: 'metered', currency: 'CHF', rate_minor_per_hour: 6_000 };
    expect(words(price, 60_000)).toContain('The first minute is free.');
  });

  it('writes francs as in Switzerland', () => {
    expect(words({ kind: 'fixed', currency: 'CHF', price_minor: 4_000 }, 0, 'de')).toContain(
      'CHF 40.00',
    );
  });

  it('says how time is metered, and the minimum', () => {
    const price: Price = {
      kind: 'metered',
      currency: 'EUR',
      rate_minor_per_hour: 6_000,
      minimum_minor: 500,
    };
    const text = words(price, 0, 'de');
    expect(text).toContain('60,00 € pro Stunde');
    expect(text).toContain('Mindestens 5,00 €');
    expect(text).toContain('Jede Sekunde');
  });

  it('knows currencies without a minor unit', () => {
    expect(words({ kind: 'fixed', currency: 'JPY', price_minor: 4_000 }, 0)).toContain('4,000');
  });
});
