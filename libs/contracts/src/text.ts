/** Not for display, or of no width: of nothing but these no reader sees anything. A mark needs a letter under it. */
const SEEN =
  /[^\p{M}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\uFFFC\u{13441}\u{13442}\u{1D159}]/u;

/** Whether a reader sees anything of a text. Private and unassigned characters are shown, if only as boxes. */
export const isVisible = (text: string): boolean => SEEN.test(text);

/** Whether nothing was typed, or only the spaces and line breaks of an ordinary keyboard. */
export const isBlank = (text: string): boolean => text.trim() === '';

/**
 * More marks in a row than any language writes. To put them in order takes the square of their number, so that U+034F,
 * which nobody sees, parts them: the Stream-Safe Text Format of UAX #15.
 */
export const MAX_MARKS_ON_LETTER = 30;
const MANY_MARKS = new RegExp(`([^\\P{M}\\u034F]{${MAX_MARKS_ON_LETTER}})(?=[^\\P{M}\\u034F])`, 'gu');
const parted = (text: string): string => text.replace(MANY_MARKS, '$1\u034F');
/** Some marks become two, so that a text that changes is parted once more. */
const nfc = (text: string): string => {
  const composed = parted(text).normalize('NFC');
  return composed === text ? text : parted(composed);
};

/** A link means its bytes: a file may be stored under a decomposed name. */
const LINK_ALONE = /^https?:\/\/\S*$/i;
const composed = (text: string): string => (LINK_ALONE.test(text) ? text : nfc(text));

/** Other programs' line breaks. */
const BREAKS = /[\v\f\u0085]/g;
const CONTROLS = /[^\P{Cc}\t\n\r]/gu;

/** Most texts have no other characters than these, of which all stay as they are: each message is looked at. */
const PLAIN = /^[\n\x20-\x7E\u0400-\u0482\u048A-\u052F]*$/;
/** Nor does any of these change: letters of Latin-1, punctuation, currencies, and emoji of one character. */
const PLAIN_WITH_EMOJI =
  /^(?:[\n\x20-\x7E\xA0-\xFF\u0400-\u0482\u048A-\u052F\u2010-\u2027\u2030-\u205E\u20A0-\u20BF]|[\uD83C-\uD83E][\uDC00-\uDFFF])*$/;

/** A text of any number of lines as it is stored: in NFC and without control characters, otherwise as it was typed. */
export const textOf = (typed: string): string =>
  PLAIN.test(typed) || PLAIN_WITH_EMOJI.test(typed)
    ? typed
    : composed(typed.replace(BREAKS, '\n').replace(CONTROLS, ''));

/** Embeddings, overrides and isolates: unclosed, they turn the text around a name. */
const DIRECTION_MARKS = /[\u202A-\u202E\u2066-\u2069]/g;
const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029]/u;

/** Invisible characters with a width, and those without one. */
const WIDE = '[\\p{Z}\\p{Cc}\\u115F\\u1160\\u2800\\u3164\\uFFA0\\uFFFC\\u{13441}\\u{13442}\\u{1D159}]';
const THIN =
  '(?!\\p{M}|[\\u115F\\u1160\\u3164\\uFFA0])[\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}]';
const GAP = new RegExp(`${WIDE}(?:(?:${THIN})*${WIDE})*`, 'gu');
/** A wider gap parts a name from the sentence that it stands in. */
const WIDE_GAP = new RegExp(`${WIDE}(?:(?:${THIN})*${WIDE}){3}`, 'u');

/**
 * Break hints, formats of other programs, and tags that belong to no flag: with one a name looks like another's. A flag
 * has 30 tags at most: each tag looks back for its flag.
 */
const UNSEEN =
  /[\u00AD\u180E\u200B\u2060-\u2064\u206A-\u206F\uFEFF]|(?<!\u{1F3F4}[\u{E0020}-\u{E007E}]{0,30})[\u{E0000}-\u{E007F}]/gu;

/**
 * A name as it is stored: in NFC, trimmed, one space for a tab or a wide gap of spaces, and without direction changes and
 * invisible characters that no language and no emoji needs.
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
 * More marks on one letter than any language writes: of those that go on any letter (accents) more than 4, of all more
 * than 8. Other characters without a width count, since marks stack across them.
 */
const ACCENTS = /(\p{Script=Inherited}{4})\p{Script=Inherited}+/gu;
const MARKS = new RegExp(`((?:\\p{M}|${THIN}){8})(?:\\p{M}|${THIN})+`, 'gu');
const flat = (text: string): string => text.replace(ACCENTS, '$1').replace(MARKS, '$1');

/** Whether a text may be a name: one visible line, without piles of marks or more than 3 blank characters in a row. */
export const isName = (text: string): boolean =>
  isVisible(text) && !NOT_IN_A_LINE.test(text) && !WIDE_GAP.test(text) && flat(text) === text;

/** Any text as a part of one line, without what could change the look of the rest of it. */
export const oneLine = (text: string): string =>
  flat(text.replace(DIRECTION_MARKS, '').replace(GAP, ' ')).trim();
