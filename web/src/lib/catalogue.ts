/**
 * Every sentence of the pages, by key and language. ICU message format.
 *
 * Another language is one more file, and one line here; the parity test says what it lacks.
 */
import { IntlMessageFormat } from 'intl-messageformat';
import de from './messages/de.json';
import en from './messages/en.json';
import fr from './messages/fr.json';
import it from './messages/it.json';

export const CATALOGUES = { de, fr, it, en } as const satisfies Record<
  string,
  Record<string, string>
>;
export type Locale = keyof typeof CATALOGUES;
export type MessageKey = keyof typeof en;
export type Values = Record<string, string | number>;

export const LOCALES = Object.keys(CATALOGUES) as Locale[];
/** Each language by its own name, as its speakers look for it. */
export const LOCALE_NAMES: Readonly<Record<Locale, string>> = {
  de: 'Deutsch',
  fr: 'Français',
  it: 'Italiano',
  en: 'English',
};

const formats = new Map<string, IntlMessageFormat>();

/** Return the sentence of `key` in `locale`, filled with `values`. */
export function message(locale: Locale, key: MessageKey, values: Values = {}): string {
  const id = `${locale}:${key}`;
  let format = formats.get(id);
  if (format === undefined) {
    format = new IntlMessageFormat(CATALOGUES[locale][key], locale, undefined, { ignoreTag: true });
    formats.set(id, format);
  }
  return String(format.format(values));
}

/** Return the first wanted language that there is, e.g. `de` for `de-CH`; else English. */
export function chooseLocale(wanted: readonly (string | null | undefined)[]): Locale {
  for (const tag of wanted) {
    const language = tag?.toLowerCase().split(/[-_]/)[0];
    const found = LOCALES.find((locale) => locale === language);
    if (found !== undefined) return found;
  }
  return 'en';
}

/** Whether `key` names a sentence, for codes that come from the server. */
export function hasMessage(key: string): key is MessageKey {
  return key in en;
}
