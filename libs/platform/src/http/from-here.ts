import ipaddr from 'ipaddr.js';
import type { IncomingHttpHeaders } from 'node:http';
import { canonicalAddress } from './client-address.js';

/** Proxies and tunnels add at least one of these. */
const OF_PROXIES = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const address = canonicalAddress(host);
  return address !== undefined && ipaddr.process(address).range() === 'loopback';
}

/**
 * Whether a request to a server at a loopback address comes from this machine. It does not when a proxy has passed it
 * on, or when a page of another site has sent it from the browser of this machine.
 */
export function isFromHere({ origin, ...headers }: IncomingHttpHeaders): boolean {
  if (OF_PROXIES.some((name) => headers[name] !== undefined)) return false;
  return origin === undefined || (URL.canParse(origin) && isLoopback(new URL(origin).hostname));
}
