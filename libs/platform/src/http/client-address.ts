import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

/** What proxies write beside an address: brackets, a port, a zone. */
const WRITTEN = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}|([^[\]]+))$/;

/** In the one spelling that an address has; an IPv4 one in an IPv6 one is the IPv4 one. Undefined for anything else. */
export function canonicalAddress(text: string): string | undefined {
  const [, bracketed, withPort, plain] = WRITTEN.exec(text.trim()) ?? [];
  const [address] = (bracketed ?? withPort ?? plain ?? '').split('%', 1) as [string];
  return isIP(address) ? ipaddr.process(address).toString() : undefined;
}

/**
 * Who asks, canonically. `ips`: the connection's own address and those of the proxies that are believed, the client's
 * last. A hop that is no address is taken for the proxy that wrote it. A connection that was reset has no address.
 */
export function clientAddress({ ips, ip }: { ips?: (string | undefined)[]; ip: string | undefined }): string {
  for (const hop of (ips ?? [ip]).toReversed()) {
    const address = canonicalAddress(hop ?? '');
    if (address) return address;
  }
  return 'unknown';
}

/**
 * What a limit by address counts by: an IPv6 subscriber has all addresses of a /64, which is in one spelling of 19 characters.
 * @param address canonical
 */
export function networkOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return parts.map((part) => part.toString(16).padStart(4, '0')).join(':');
}

/** The length of such a spelling, and those of the /56 and the /48 around it: who has one has many of a /64. */
const [OF_64, WIDER] = [19, [17, 14]];
/** A wider network may have so many times as much as the next narrower one. */
const TIMES = 4;
/** As much as the widest network may have, in what one address may have. */
export const MOST_ADDRESSES = TIMES ** WIDER.length;

/** A network and those around it, the narrowest first; each may have as much as so many `addresses`. */
export const networksAround = (network: string): { name: string; addresses: number }[] =>
  [network, ...(network.length === OF_64 ? WIDER.map((length) => network.slice(0, length)) : [])].map(
    (name, i) => ({ name, addresses: TIMES ** i }),
  );

/** The widest network that has connected; of all who come by a proxy, the proxy's. */
export const holderOf = ({ remoteAddress = '' }: { remoteAddress?: string }): string =>
  networksAround(networkOf(canonicalAddress(remoteAddress) ?? '')).at(-1)!.name;
