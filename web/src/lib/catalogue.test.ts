import { describe, expect, it } from 'vitest';
import { CATALOGUES, chooseLocale, LOCALES, message, type MessageKey } from './catalogue';

/** The names of a message's arguments, however deep they stand in plurals. */
function argumentsOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\s*([a-z_]+)\s*[,}]/g)].map((found) => found[1] ?? ''))]
    .filter((name) => name !== 'plural')
    .sort();
}

const keys = Object.keys(CATALOGUES.en) as MessageKey[];

describe.each(LOCALES)('the catalogue of %s', (locale) => {
  it('has the same keys as English', () => {
    expect(Object.keys(CATALOGUES[locale]).sort()).toEqual([...keys].sort());
  });

  it('leaves no sentence empty and uses the same arguments', () => {
    for (const key of keys) {
      expect(CATALOGUES[locale][key].trim(), key).not.toBe('');
      expect(argumentsOf(CATALOGUES[locale][key]), key).toEqual(argumentsOf(CATALOGUES.en[key]));
    }
  });

  it('can be filled in', () => {
    for (const key of keys) {
      const names = argumentsOf(CATALOGUES.en[key]);
      const values = Object.fromEntries(names.map((name) => [name, 2]));
      expect(message(locale, key, values), key).not.toMatch(/[{}]/);
    }
  });
});

describe('choosing a language', () => {
  it.each([
    [['de-CH', 'en'], 'de'],
    [[null, undefined, 'EN_gb'], 'en'],
    [['fr-CH', 'de'], 'fr'],
    [['rm', 'it-CH'], 'it'],
    [['rm', 'de'], 'de'],
    [['rm'], 'en'],
    [[], 'en'],
  ])('of %j is %s', (wanted, locale) => {
    expect(chooseLocale(wanted)).toBe(locale);
  });
});
