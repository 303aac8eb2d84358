import { hash, verify } from '@node-rs/argon2';

/** OWASP's smallest setting for Argon2id, which is also the library's algorithm by default: 19 MiB, about 22 ms. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Of no password anybody knows. Verifying against it makes an unknown account cost what a known one does. */
const NOBODY = await hash(crypto.randomUUID(), COST);

/** Keyboards differ in how they compose letters such as "й": the same password must stay the same. */
const composed = (password: string) => password.normalize('NFKC');

export const hashPassword = (password: string): Promise<string> => hash(composed(password), COST);

/** False also when there is no account, after the same time. */
export const isPassword = (stored: string | undefined, password: string): Promise<boolean> =>
  verify(stored ?? NOBODY, composed(password));
