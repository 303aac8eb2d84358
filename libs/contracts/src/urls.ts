export const MAX_URL = 2048;

/** Browsers and other clients read these each in their way: white space, controls, `\`, and what no address has bare. */
const AMBIGUOUS = /[\s\p{Cc}\p{Bidi_Control}\\<>"]/u;
const AUTHORITY = /^https?:\/\/([^/?#]+)/i;
/** Names with underscores are in use, also a dot at the end; by now in ASCII. */
const HOST = /^(?=.{1,254}$)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/;

/**
 * An absolute http(s) link to any host: a name, also of another alphabet or without a dot, or an address. Without
 * credentials, which would be shown to everybody and pass for the host.
 */
export function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_URL || AMBIGUOUS.test(value)) return false;
  const authority = AUTHORITY.exec(value)?.[1];
  if (!authority || /[@%]/.test(authority) || !URL.canParse(value)) return false;
  const { hostname } = new URL(value);
  return hostname.startsWith('[') || HOST.test(hostname);
}
