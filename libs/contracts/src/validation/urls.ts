export const MAX_URL = 2048;

/** Clients parse these differently: white space, controls, `\`, and characters that a URL must encode. */
const AMBIGUOUS = /[\s\p{Cc}\p{Bidi_Control}\\<>"]/u;
const AUTHORITY = /^https?:\/\/([^/?#]+)/i;
/** In ASCII at this point. Underscores and a trailing dot are allowed, since they are in use. */
const HOST = /^(?=.{1,254}$)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/;

/**
 * An absolute http(s) URL to any host: a name, also in another alphabet or without a dot, or an IP address. Credentials
 * are refused, since they would be shown to everybody and could pass for the host.
 */
export function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_URL || AMBIGUOUS.test(value)) return false;
  const authority = AUTHORITY.exec(value)?.[1];
  if (!authority || /[@%]/.test(authority) || !URL.canParse(value)) return false;
  const { hostname } = new URL(value);
  return hostname.startsWith('[') || HOST.test(hostname);
}
