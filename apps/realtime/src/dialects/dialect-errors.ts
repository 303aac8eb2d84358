import type { AppError } from '#contracts';
import type { Dialect } from './dialect.js';

/** An unavailable database is no reason to sign in again: another message makes the client retry. */
export function handshakeError(refusal: AppError | undefined, dialect: Dialect): Error | undefined {
  if (!refusal || !dialect.handshakeError) return undefined;
  return new Error(refusal.code === 'UNAUTHORIZED' ? dialect.handshakeError : refusal.message);
}

export const errorEvent = (dialect: Dialect, error: AppError) => {
  const message = worded(dialect, error);
  return { message, error: message };
};

/** The dialect's message, or ours. A message about a field uses the dialect's name of the field. */
export function worded({ words, fields = {} }: Dialect, { code, reason, message }: AppError): string {
  if (code !== 'INVALID_DATA') return (reason && words[reason]) ?? words[code] ?? message;
  return message.replace(
    /^\w+/,
    (field) => fields[field] ?? field.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()),
  );
}
