/**
 * Characters that are not displayed or have no width: a text of only these shows nothing. A combining mark needs a
 * letter.
 */
const SEEN =
  /[^\p{M}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\uFFFC\u{13441}\u{13442}\u{1D159}]/u;

/** Whether a text shows anything. Private and unassigned characters are displayed, if only as boxes. */
export const isVisible = (text: string): boolean => SEEN.test(text);

/** Whether both PostgreSQL and JSON can store the text: no NUL, no lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** Whether the text is empty, or only spaces and line breaks of an ordinary keyboard. */
export const isBlank = (text: string): boolean => text.trim() === '';

/**
 * More combining marks in a row than any language uses. Normalization sorts them in quadratic time. U+034F, which is
 * invisible, separates them: the Stream-Safe Text Format of UAX #15.
 */
export const MAX_MARKS_ON_LETTER = 30;
const MANY_MARKS = new RegExp(`([^\\P{M}\\u034F]{${MAX_MARKS_ON_LETTER}})(?=[^\\P{M}\\u034F])`, 'gu');
const parted = (text: string): string => text.replace(MANY_MARKS, '$1\u034F');
/** NFC turns some marks into two, so a changed text is separated once more. */
const nfc = (text: string): string => {
  const composed = parted(text).normalize('NFC');
  return composed === text ? text : parted(composed);
};

/** A link must keep its bytes: a file may be stored under a decomposed name. */
const LINK_ALONE = /^https?:\/\/\S*$/i;
const composed = (text: string): string => (LINK_ALONE.test(text) ? text : nfc(text));

/** Line breaks that other programs write. */
const BREAKS = /[\v\f\u0085]/g;
const CONTROLS = /[^\P{Cc}\t\n\r]/gu;

/** Most texts consist only of these characters, which never change. The check is fast, since every message needs it. */
const PLAIN = /^[\n\x20-\x7E\u0400-\u0482\u048A-\u052F]*$/;
/** These do not change either: letters of Latin-1, punctuation, currencies, and emoji of one character. */
const PLAIN_WITH_EMOJI =
  /^(?:[\n\x20-\x7E\xA0-\xFF\u0400-\u0482\u048A-\u052F\u2010-\u2027\u2030-\u205E\u20A0-\u20BF]|[\uD83C-\uD83E][\uDC00-\uDFFF])*$/;

/** A multi-line text as it is stored: in NFC, without control characters, otherwise unchanged. */
export const textOf = (typed: string): string =>
  PLAIN.test(typed) || PLAIN_WITH_EMOJI.test(typed)
    ? typed
    : composed(typed.replace(BREAKS, '\n').replace(CONTROLS, ''));

/** Embeddings, overrides and isolates. When unclosed, they reorder the text around a name. */
const DIRECTION_MARKS = /[\u202A-\u202E\u2066-\u2069]/g;
const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029]/u;

/** Invisible characters with a width, and without one. */
const WIDE = '[\\p{Z}\\p{Cc}\\u115F\\u1160\\u2800\\u3164\\uFFA0\\uFFFC\\u{13441}\\u{13442}\\u{1D159}]';
const THIN =
  '(?!\\p{M}|[\\u115F\\u1160\\u3164\\uFFA0])[\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}]';
const GAP = new RegExp(`${WIDE}(?:(?:${THIN})*${WIDE})*`, 'gu');
/** A wider gap separates a name from the sentence around it. */
const WIDE_GAP = new RegExp(`${WIDE}(?:(?:${THIN})*${WIDE}){3}`, 'u');

/**
 * Break hints, formats of other programs, and tags that belong to no flag. They make a name look like another one. A
 * flag has 30 tags at most, since each tag looks back for its flag.
 */
const UNSEEN =
  /[\u00AD\u180E\u200B\u2060-\u2064\u206A-\u206F\uFEFF]|(?<!\u{1F3F4}[\u{E0020}-\u{E007E}]{0,30})[\u{E0000}-\u{E007F}]/gu;

/**
 * A name as it is stored: in NFC and trimmed, with one space for a tab or a wide gap. Direction changes and invisible
 * characters are removed, unless a language or an emoji needs them.
 */
export const nameOf = (typed: string): string =>
  nfc(
    typed
      .replace(DIRECTION_MARKS, '')
      .replace(UNSEEN, '')
      .replaceAll('\t', ' ')
      .replace(/[ \u00A0]{4,}/g, ' ')
      .trim(),
  );

/**
 * More marks on one letter than any language uses: more than 4 accents (marks for any letter), or more than 8 of all
 * marks. Other characters without a width count too, since marks stack across them.
 */
const ACCENTS = /(\p{Script=Inherited}{4})\p{Script=Inherited}+/gu;
const MARKS = new RegExp(`((?:\\p{M}|${THIN}){8})(?:\\p{M}|${THIN})+`, 'gu');
const flat = (text: string): string => text.replace(ACCENTS, '$1').replace(MARKS, '$1');

/** Whether a text is a valid name: one visible line, without stacked marks or more than 3 blank characters in a row. */
export const isName = (text: string): boolean =>
  isVisible(text) && !NOT_IN_A_LINE.test(text) && !WIDE_GAP.test(text) && flat(text) === text;

/** Any text as part of one line, without characters that could change how the rest of the line looks. */
export const oneLine = (text: string): string =>
  flat(text.replace(DIRECTION_MARKS, '').replace(GAP, ' ')).trim();
