import emojiRegex from 'emoji-regex';

const ONE = new RegExp(`^(?:${emojiRegex().source})$`);
/** Parts of other emoji: skin tones and kinds of hair. */
const PART = /^[\u{1F3FB}-\u{1F3FF}\u{1F9B0}-\u{1F9B3}]$/u;
const STYLE = /[\uFE0E\uFE0F]/g;
/** A style with nothing in front of it that it could style. */
const STRAY_STYLE = /(?:^|\u200D|\uFE0E|\uFE0F)[\uFE0E\uFE0F]/;
/** What is a text character unless U+FE0F or a skin tone says otherwise. */
const TEXTUAL = /(?!\p{Emoji_Presentation})\p{Emoji}(?![\u{1F3FB}-\u{1F3FF}])/gu;

/** The same in all forms of an emoji, or of several. */
export const bareEmoji = (text: string): string => text.replace(STYLE, '');

/**
 * The one form of an emoji (Unicode's "fully qualified"), whichever of its forms was typed: ❤ and ❤️ are both ❤️.
 * Undefined unless the text is exactly one emoji.
 */
export function emojiOf(text: string): string | undefined {
  if (STRAY_STYLE.test(text)) return undefined;
  const bare = bareEmoji(text);
  return ONE.test(bare) && !PART.test(bare) ? bare.replace(TEXTUAL, '$&\uFE0F') : undefined;
}
