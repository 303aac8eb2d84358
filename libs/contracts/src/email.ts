import { domainToASCII, domainToUnicode } from 'node:url';

/** Invisible characters but the joiners, which some domains need. */
const INVISIBLE = /(?![\u200C\u200D])\p{Default_Ignorable_Code_Point}/gu;
/** More than any address in any of its forms. The work of the forms grows with the square of the length. */
export const MAX_TYPED = 1000;
/** They part words, and are letters of some domains (نامه‌ای.com). */
const JOINERS = /[\u200C\u200D]/g;

/**
 * The one form of an e-mail address, so that an address is one account however it is typed: in lower case, one encoding
 * for each character (NFKC), nothing invisible but what a domain needs, and the domain as people read it, not as
 * `xn--…`. What cannot be an address is none afterwards.
 */
export function canonicalEmail(typed: string): string {
  if (typed.length > MAX_TYPED) return '';
  const visible = typed.normalize('NFKC').replace(INVISIBLE, '');
  const parts = visible.toLowerCase().split('@');
  const domain = parts.pop()!;
  const local = parts.join('@').replace(JOINERS, '').normalize('NFKC').trimStart();
  return parts.length === 0
    ? domain.replace(JOINERS, '').normalize('NFKC').trim()
    : `${local}@${canonicalDomain(domain.normalize('NFKC').trimEnd())}`;
}

/** The same for a new account. An address with invisible characters is none: somebody wants to deceive, or made a slip. */
export const newEmail = (typed: string): string =>
  typed.trim().search(INVISIBLE) < 0 ? canonicalEmail(typed) : '';

function canonicalDomain(domain: string): string {
  // Anything else would be parsed as more of a URL than its host.
  if (!/^[a-z\d.\-\u0080-\u{10ffff}]+$/u.test(domain)) return domain;
  const ascii = domainToASCII(domain) || domainToASCII(domain.replace(JOINERS, ''));
  const readable = domainToUnicode(ascii);
  // An invalid `xn--` label may read like another domain.
  return domainToASCII(readable) === ascii ? readable : '';
}
