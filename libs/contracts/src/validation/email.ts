import { domainToASCII, domainToUnicode } from 'node:url';

/** Invisible characters except the joiners, which some domains need. */
const INVISIBLE = /(?![\u200C\u200D])\p{Default_Ignorable_Code_Point}/gu;
/** Longer than any form of a valid address. Normalization takes time quadratic in the length. */
export const MAX_TYPED = 1000;
/** They separate words, and are letters of some domains (نامه‌ای.com). */
const JOINERS = /[\u200C\u200D]/g;

/**
 * The canonical form of an e-mail address, so that each spelling leads to the same account. It is lower case and NFKC,
 * without invisible characters except those that a domain needs. The domain is in Unicode instead of `xn--…`.
 * Input that cannot be an address gives an invalid address.
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

/** The same for a new account, but rejects invisible characters: they are an attempt to deceive or a typing error. */
export const newEmail = (typed: string): string =>
  typed.trim().search(INVISIBLE) < 0 ? canonicalEmail(typed) : '';

function canonicalDomain(domain: string): string {
  // The URL parser would read any other character as more than a host.
  if (!/^[a-z\d.\-\u0080-\u{10ffff}]+$/u.test(domain)) return domain;
  const ascii = domainToASCII(domain) || domainToASCII(domain.replace(JOINERS, ''));
  const readable = domainToUnicode(ascii);
  // An invalid `xn--` label may look like another domain.
  return domainToASCII(readable) === ascii ? readable : '';
}
