import emojiRegex from 'emoji-regex';

const ONE = new RegExp(`^(?:${emojiRegex().source})$`);
/** Components of other emoji: skin tones and hair. */
const PART = /^[\u{1F3FB}-\u{1F3FF}\u{1F9B0}-\u{1F9B3}]$/u;
const STYLE = /[\uFE0E\uFE0F]/g;
/** A variation selector that follows no emoji. */
const STRAY_STYLE = /(?:^|\u200D|\uFE0E|\uFE0F)[\uFE0E\uFE0F]/;
/** Characters with text presentation unless U+FE0F or a skin tone follows. */
const TEXTUAL = /(?!\p{Emoji_Presentation})\p{Emoji}(?![\u{1F3FB}-\u{1F3FF}])/gu;

/** The same string for all forms of an emoji, or of several. */
export const bareEmoji = (text: string): string => text.replace(STYLE, '');

/**
 * The canonical form of an emoji (Unicode's "fully qualified"): ❤ and ❤️ both become ❤️. Undefined unless the text is
 * exactly one emoji.
 */
export function emojiOf(text: string): string | undefined {
  if (STRAY_STYLE.test(text)) return undefined;
  const bare = bareEmoji(text);
  return ONE.test(bare) && !PART.test(bare) ? bare.replace(TEXTUAL, '$&\uFE0F') : undefined;
}
