/** The language of this page, switchable at any time. Components re-render by reading `t`. */
import {
  chooseLocale,
  hasMessage,
  type Locale,
  message,
  type MessageKey,
  type Values,
} from './catalogue';
import { STORAGE_PREFIX } from './limits';

const KEY = STORAGE_PREFIX + 'locale';

function chosen(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

class Language {
  locale: Locale = $state('en');

  /** Follow the person's own choice, then the link's language, then the browser's. */
  begin(linkLocale: string | null = null): void {
    this.set(chooseLocale([chosen(), linkLocale, ...navigator.languages]));
  }

  choose(locale: Locale): void {
    try {
      localStorage.setItem(KEY, locale);
    } catch {
      // A browser that keeps nothing still speaks the language until the page is closed.
    }
    this.set(locale);
  }

  private set(locale: Locale): void {
    this.locale = locale;
    document.documentElement.lang = locale;
  }
}

export const language = new Language();

export function t(key: MessageKey, values?: Values): string {
  return message(language.locale, key, values);
}

/** The sentence for a code of the server or of the channel; a general one for a code we do not know. */
export function refusal(code: string): string {
  const key = `refused.${code}`;
  return t(hasMessage(key) ? key : 'refused.other', { code });
}
