/**
 * Browsers inside other apps, which often have no camera, and the ways out of them.
 *
 * Recognised by user agent: there is no feature that tells, and a missing `getUserMedia` cannot be
 * waited for, because the same browsers also hang in the question for permission.
 */
import { isAndroid, isIos } from './browser';

/** The first match names the app. What it is called is the same in every language. */
const APPS: readonly (readonly [string, RegExp])[] = [
  ['WhatsApp', /WhatsApp/i],
  ['Instagram', /Instagram/],
  ['Threads', /Barcelona/],
  ['Messenger', /MessengerForiOS|FB_IAB\/(MESSENGER|Orca)|FBAN\/Messenger/],
  ['Facebook', /FBAN|FBAV|FB_IAB/],
  ['TikTok', /musical_ly|BytedanceWebview|TikTok|trill_/],
  ['Snapchat', /Snapchat/],
  ['LinkedIn', /LinkedInApp/],
  ['X', /Twitter/],
  ['Pinterest', /Pinterest\//],
  ['Telegram', /Telegram/],
  ['WeChat', /MicroMessenger/],
  ['LINE', /\bLine\//],
  ['Google', /\bGSA\//],
];

/** Return the app this page is shown in, '' for one we cannot name, or null for a real browser. */
export function inAppBrowser({
  userAgent,
  maxTouchPoints,
}: Pick<Navigator, 'userAgent' | 'maxTouchPoints'> = navigator): string | null {
  const known = APPS.find(([, pattern]) => pattern.test(userAgent));
  if (known !== undefined) return known[0];
  // Android marks its WebView; on iOS an embedded WebKit leaves out the word Safari.
  if (isAndroid({ userAgent })) return /;\s*wv\)/.test(userAgent) ? '' : null;
  return isIos({ userAgent, maxTouchPoints }) && !/Safari\//.test(userAgent) ? '' : null;
}

/**
 * Return an address that opens `href` in the phone's own browser, or null where none is known.
 *
 * The secret stands in the fragment. An intent's own part begins at the last `#`, so it survives
 * (Android's Intent.parseUri). Safari takes `x-safari-https` since iOS 15; before, the copied link helps.
 */
export function wayOut(
  href: string,
  facts: Pick<Navigator, 'userAgent' | 'maxTouchPoints'> = navigator,
): string | null {
  const { protocol } = new URL(href);
  const rest = href.slice(protocol.length);
  if (protocol !== 'https:' && protocol !== 'http:') return null;
  if (isAndroid(facts)) {
    const action = 'action=android.intent.action.VIEW;category=android.intent.category.BROWSABLE';
    return `intent:${rest}#Intent;scheme=${protocol.slice(0, -1)};${action};end`;
  }
  return isIos(facts) && protocol === 'https:' ? `x-safari-${href}` : null;
}
