/** What it costs, as sentences. The same ones stand in the lobby and nowhere hidden. */
import { type Locale, message } from './catalogue';
import type { SessionState } from './generated/events';
import { formatMoney } from './money';

export function priceWords(state: SessionState, locale: Locale): string[] {
  const { price, booked_ms: bookedMs, free_ms: freeMs } = state;
  const money = (minor: number): string => formatMoney(minor, price.currency, locale);
  const minutes = Math.round(bookedMs / 60_000);
  const isFree = !price.price_minor && !price.rate_minor_per_hour && !price.minimum_minor;
  if (isFree) return [message(locale, 'price.gratis', { minutes })];
  const words = [
    price.kind === 'fixed'
      ? message(locale, 'price.fixed', { price: money(price.price_minor ?? 0), minutes })
      : message(locale, 'price.metered', { price: money(price.rate_minor_per_hour ?? 0), minutes }),
  ];
  const minimum = price.minimum_minor ?? 0;
  if (price.kind === 'metered' && minimum > 0) {
    words.push(message(locale, 'price.minimum', { price: money(minimum) }));
  }
  // A package costs the same with or without its first minute.
  if (price.kind === 'metered') {
    words.push(message(locale, 'price.free', { seconds: Math.floor(freeMs / 1000) }));
  }
  words.push(message(locale, 'price.nothing'));
  return words;
}
