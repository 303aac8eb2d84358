import { oneLine } from '#contracts';

/** What a text is made of. */
export interface TextContext<D> {
  locale: 'ru' | 'en';
  /** The name of who caused it last. */
  actor: string;
  /** Whether that is the name of somebody. */
  isNamed: boolean;
  /** How many others did, too. */
  othersCount: number;
  data: D;
}

/** The day first and a clock of 24 hours in both. */
const LANGUAGE = { ru: 'ru', en: 'en-GB' } as const;
const FORMS: Partial<Record<Intl.LDMLPluralRule, string>> = { few: 'человека' };
const russian = new Intl.PluralRules('ru');
const clocks = new Map<string, Intl.DateTimeFormat>();

/** "10 января в 14:00", by the clock of the place where it will be. */
export function at({ locale, data }: TextContext<{ starts_at: string; timezone: string }>): string {
  const key = `${locale} ${data.timezone}`;
  if (!clocks.has(key)) clocks.set(key, clockOf(LANGUAGE[locale], data.timezone));
  return clocks.get(key)!.format(new Date(data.starts_at));
}

function clockOf(language: string, timeZone: string): Intl.DateTimeFormat {
  const format = { day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' } as const;
  try {
    return new Intl.DateTimeFormat(language, { ...format, timeZone });
  } catch {
    // A zone that this Node has not heard of must not hide somebody's whole list.
    return new Intl.DateTimeFormat(language, { ...format, timeZone: 'UTC', timeZoneName: 'short' });
  }
}

/** "Анна и ещё 12 человек оценили", "Anna and 12 others"; the verb in its two numbers where it has them. */
export function people(
  { locale, actor, othersCount: othersCount }: TextContext<object>,
  ...[verb, verbOfMany]: [string, string] | []
): string {
  const of = (done: string | undefined) => (done ? ` ${done}` : '');
  if (othersCount === 0) return actor + of(verb);
  if (locale === 'en') return `${actor} and ${othersCount} ${othersCount === 1 ? 'other' : 'others'}`;
  const form = FORMS[russian.select(othersCount)] ?? 'человек';
  return `${actor} и ещё ${othersCount} ${form}${of(verbOfMany)}`;
}

export const about = ({ locale, data }: TextContext<{ service_name: string }>): string => {
  const name = inSentence(data.service_name);
  return locale === 'ru' ? `«${name}»` : `“${name}”`;
};

/** What somebody gave as their reason, if they did. */
export const theirs = (reason: string | null): string => (reason ? `: ${inSentence(reason)}` : '');

/** Letters and marks that are written from right to left. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08FF\u200F\uFB1D-\uFDFF\uFE70-\uFEFE\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

/**
 * A user's words as a part of a sentence of ours, whenever they were stored: on one line, and isolated (FSI, PDI) if
 * they would otherwise change the order of the words around them.
 */
export function inSentence(words: string): string {
  const line = oneLine(words);
  return RIGHT_TO_LEFT.test(line) ? `\u2068${line}\u2069` : line;
}
