/** Money for people. Amounts arrive as integer minor units; nothing is ever computed with them here. */
export function formatMoney(amountMinor: number, currency: string, locale: string): string {
  // Francs are written as in Switzerland, in each of its languages: CHF 12.50.
  const region = currency === 'CHF' && !locale.includes('-') ? `${locale}-CH` : locale;
  const format = new Intl.NumberFormat(region, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amountMinor / 10 ** digits);
}
