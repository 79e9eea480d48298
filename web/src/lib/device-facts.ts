/** What kind of machine, system, browser and network this is, for the other side to know. No identifiers. */
import type { DeviceReport } from './generated/events';

export type DeviceFacts = Omit<DeviceReport, 'quality'>;

interface Hints {
  userAgent: string;
  maxTouchPoints: number;
  /** Network Information API: Chromium only. */
  connection?: { type?: string };
}

type Named = readonly [RegExp, (found: RegExpExecArray) => string];

/** `_` stands between the numbers of an iPhone's version. */
const dotted = (text = ''): string => text.replaceAll('_', '.');
const SYSTEMS: readonly Named[] = [
  [/Android (\d+)/, (m) => `Android ${m[1]}`],
  [/Android/, () => 'Android'],
  [/(?:iPhone|CPU) OS (\d+[_.]?\d*)/, (m) => `iOS ${dotted(m[1])}`],
  [/Windows/, () => 'Windows'],
  [/CrOS/, () => 'ChromeOS'],
  [/Macintosh/, () => 'macOS'],
  [/Linux/, () => 'Linux'],
];
/** The first that fits: every Chromium also says Chrome and Safari. */
const BROWSERS: readonly Named[] = [
  [/(?:EdgA?|EdgiOS)\/(\d+)/, (m) => `Edge ${m[1]}`],
  [/SamsungBrowser\/(\d+)/, (m) => `Samsung Internet ${m[1]}`],
  [/(?:Firefox|FxiOS)\/(\d+)/, (m) => `Firefox ${m[1]}`],
  [/(?:Chrome|Chromium|CriOS)\/(\d+)/, (m) => `Chrome ${m[1]}`],
  [/Version\/(\d+).*Safari/, (m) => `Safari ${m[1]}`],
];
const NETWORKS: Readonly<Record<string, DeviceFacts['network']>> = {
  wifi: 'wifi',
  cellular: 'cellular',
  ethernet: 'wired',
};

function firstOf(table: readonly Named[], text: string): string {
  for (const [pattern, name] of table) {
    const found = pattern.exec(text);
    if (found !== null) return name(found);
  }
  return '';
}

export function deviceFacts(hints: Hints = navigator as Hints): DeviceFacts {
  const { userAgent, maxTouchPoints, connection } = hints;
  // An iPad says that it is a Macintosh; no Macintosh has a touch screen.
  const isIPad = /iPad/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
  const isPhone = /iPhone|iPod|Mobile/.test(userAgent) && !isIPad;
  const isTablet = isIPad || (/Android/.test(userAgent) && !isPhone);
  return {
    kind: isPhone ? 'phone' : isTablet ? 'tablet' : 'computer',
    system: isIPad ? 'iPadOS' : firstOf(SYSTEMS, userAgent),
    browser: firstOf(BROWSERS, userAgent),
    network: NETWORKS[connection?.type ?? ''] ?? 'unknown',
  };
}
