import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * The one form of an e-mail address, so that an address is one account however it is typed: in lower case, one encoding
 * for each character (NFKC), nothing invisible, and the domain as people read it, not as `xn--…`. What cannot be an
 * address is none afterwards.
 */
export function canonicalEmail(typed: string): string {
  const visible = typed.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  const email = visible.toLowerCase().normalize('NFKC').trim();
  const at = email.lastIndexOf('@');
  return at < 0 ? email : `${email.slice(0, at)}@${canonicalDomain(email.slice(at + 1))}`;
}

function canonicalDomain(domain: string): string {
  // Anything else would be parsed as more of a URL than its host.
  if (!/^[a-z\d.\-\u0080-\u{10ffff}]+$/u.test(domain)) return domain;
  const ascii = domainToASCII(domain);
  const readable = domainToUnicode(ascii);
  // An invalid `xn--` label may read like another domain.
  return domainToASCII(readable) === ascii ? readable : '';
}
