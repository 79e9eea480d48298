/** Which browser this is, as far as its help texts differ. Never to decide what a browser can do. */
export type BrowserName =
  | 'safari-ios'
  | 'other-ios'
  | 'chrome-android'
  | 'firefox-android'
  | 'safari-mac'
  | 'chromium'
  | 'firefox'
  | 'other';

type Facts = Pick<Navigator, 'userAgent' | 'maxTouchPoints'>;

/** Whether the device runs iOS. An iPad says it is a Macintosh; no Macintosh has a touch screen. */
export function isIos({ userAgent, maxTouchPoints }: Facts = navigator): boolean {
  return /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
}

export function isAndroid({ userAgent }: Pick<Navigator, 'userAgent'> = navigator): boolean {
  return /Android/.test(userAgent);
}

/** Name the browser by its user agent. */
export function browserName(facts: Facts = navigator): BrowserName {
  const agent = facts.userAgent;
  if (isIos(facts))
    return /CriOS|FxiOS|EdgiOS|OPiOS|GSA\//.test(agent) ? 'other-ios' : 'safari-ios';
  if (isAndroid(facts)) return /Firefox\//.test(agent) ? 'firefox-android' : 'chrome-android';
  if (/Firefox\//.test(agent)) return 'firefox';
  if (/Chrom(e|ium)\//.test(agent)) return 'chromium';
  return /Safari\//.test(agent) ? 'safari-mac' : 'other';
}
