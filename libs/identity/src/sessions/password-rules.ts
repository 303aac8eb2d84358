import { AppError, isVisible } from '#contracts';
import { dictionary } from '@zxcvbn-ts/language-common';

/** The forms that attackers try: any case, any spaces around. */
const folded = (password: string) => password.normalize('NFKC').trim().toLowerCase();

const COMMON = new Set(dictionary['passwords-common'].map(folded));

/**
 * Refuses weak passwords that are long enough.
 * @throws AppError INVALID_DATA (names `field`)
 */
export function requireGoodPassword(password: string, email: string, field = 'password'): void {
  const typed = folded(password);
  const address = folded(email);
  if (!isVisible(typed)) throw AppError.invalid(field, 'must contain visible characters');
  if (new Set(typed).size === 1 || COMMON.has(typed)) throw AppError.invalid(field, 'is too common');
  if ([address, address.split('@')[0]].includes(typed))
    throw AppError.invalid(field, 'must not be the e-mail address');
}
