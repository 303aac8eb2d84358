// Supports Cyrillic and most other alphabets, is an ES module for Node 20 and later, small and maintained.
import slugify from '@sindresorhus/slugify';
import { randomInt } from 'node:crypto';

const MAX = 30;
const SUFFIX = 6;

/** Handles that sound official. */
const RESERVED = new Set(
  `admin administrator assistant bot help helpdesk info mod moderator moderators official operator owner payments root
  security service staff support sysadmin system team`.split(/\s+/),
);

export const isReserved = (handle: string): boolean => RESERVED.has(handle);

/** A handle (3 to 30 of a–z, 0–9 and `_`) derived from the name; `user_…` for names without letters. */
export function handleFrom(name: string): string {
  const slug = slugify(name, { separator: '_', decamelize: false }).replace(/[^a-z0-9_]/g, '');
  const handle = slug.slice(0, MAX).replace(/_+$/, '');
  return handle.length >= 3 && !isReserved(handle) ? handle : withRandomSuffix(handle || 'user');
}

/** For a handle that is already taken. */
export function withRandomSuffix(handle: string): string {
  const suffix = randomInt(10 ** (SUFFIX - 1), 10 ** SUFFIX);
  return `${handle.slice(0, MAX - SUFFIX - 1).replace(/_+$/, '')}_${suffix}`;
}

/** Whether a unique violation concerns the handle. Prisma reports it only inside the driver's own error. */
export function isHandleTaken(error: unknown): boolean {
  type Violation = { meta?: { driverAdapterError?: { cause?: { constraint?: { index?: string } } } } };
  return (error as Violation).meta?.driverAdapterError?.cause?.constraint?.index === 'users_handle_key';
}
