import { oneLine, timeZoneOf } from '#contracts';

/** The data of a text. */
export interface TextContext<D> {
  locale: 'ru' | 'en';
  /** The name of the latest actor. */
  actor: string;
  /** False when the actor is unknown or hidden. */
  isNamed: boolean;
  /** The number of further actors. */
  othersCount: number;
  data: D;
}

/** Both put the day first and use a 24-hour clock. */
const LANGUAGE = { ru: 'ru', en: 'en-GB' } as const;
const FORMS: Partial<Record<Intl.LDMLPluralRule, string>> = { few: 'человека' };
const russian = new Intl.PluralRules('ru');
const clocks = new Map<string, Intl.DateTimeFormat>();

/** "10 января в 14:00", in the time zone of the booking. */
export function at({ locale, data }: TextContext<{ starts_at: string; timezone: string }>): string {
  const timeZone = timeZoneOf(data.timezone);
  const key = `${locale} ${timeZone}`;
  if (!clocks.has(key)) clocks.set(key, clockOf(LANGUAGE[locale], timeZone));
  return clocks.get(key)!.format(new Date(data.starts_at));
}

function clockOf(language: string, timeZone?: string): Intl.DateTimeFormat {
  const format = { day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' } as const;
  // A time zone that this Node does not know must not break the whole list.
  const zone = timeZone ? { timeZone } : ({ timeZone: 'UTC', timeZoneName: 'short' } as const);
  return new Intl.DateTimeFormat(language, { ...format, ...zone });
}

/** "Анна и ещё 12 человек оценили", "Anna and 12 others"; Russian verbs have a singular and a plural. */
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

/** The reason that a user gave, if any. */
export const theirs = (reason: string | null): string => (reason ? `: ${inSentence(reason)}` : '');

/** Right-to-left letters and marks. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08FF\u200F\uFB1D-\uFDFF\uFE70-\uFEFE\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

/**
 * A user's text inside a sentence: on one line, and isolated (FSI, PDI) if it would otherwise reorder the words around
 * it. Applies to texts of any age.
 */
export function inSentence(words: string): string {
  const line = oneLine(words);
  return RIGHT_TO_LEFT.test(line) ? `\u2068${line}\u2069` : line;
}
