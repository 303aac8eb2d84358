import ipaddr from 'ipaddr.js';
import { isIP, isIPv4 } from 'node:net';

/** The forms in which proxies write an address: with brackets, a port, a zone. */
const WRITTEN = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}|([^[\]]+))$/;

/** How a server that listens on both protocols writes an IPv4 address. */
const MAPPED = '::ffff:';

/** The canonical form of an address. An IPv4 address inside IPv6 becomes IPv4. Undefined for anything else. */
export function canonicalAddress(text: string): string | undefined {
  // Without parsing, since most connections have such an address.
  const mapped = text.startsWith(MAPPED) ? text.slice(MAPPED.length) : text;
  if (isIPv4(mapped)) return mapped;
  const [, bracketed, withPort, plain] = WRITTEN.exec(text.trim()) ?? [];
  const [address] = (bracketed ?? withPort ?? plain ?? '').split('%', 1) as [string];
  return isIP(address) ? ipaddr.process(address).toString() : undefined;
}

/**
 * The canonical address of the client. `ips`: the connection's own address and those from trusted proxies, the client's
 * last. An invalid hop is replaced by the proxy that wrote it. A connection that was reset has no address.
 */
export function clientAddress({ ips, ip }: { ips?: (string | undefined)[]; ip: string | undefined }): string {
  for (const hop of (ips ?? [ip]).toReversed()) {
    const address = canonicalAddress(hop ?? '');
    if (address) return address;
  }
  return 'unknown';
}

/**
 * The key of limits by address: an IPv6 subscriber has all addresses of a /64, which this writes in 19 characters.
 * @param address canonical
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return parts.map((part) => part.toString(16).padStart(4, '0')).join(':');
}

/** The length of a written /64, and of the /56 and /48 around it: a subscriber of those has many /64. */
const [OF_64, WIDER] = [19, [17, 14]];
/** How many times the limit of the next narrower network a wider one has. */
const TIMES = 4;
/** The limit of the widest network, as a multiple of the limit of one address. */
export const MOST_ADDRESSES = TIMES ** WIDER.length;

/** A network and the wider ones around it, the narrowest first; each with its multiple of the limit of one address. */
export const networksAround = (network: string): { name: string; addresses: number }[] =>
  [network, ...(network.length === OF_64 ? WIDER.map((length) => network.slice(0, length)) : [])].map(
    (name, i) => ({ name, addresses: TIMES ** i }),
  );

/** The widest network of a connection; behind a proxy, that of the proxy. */
export const holderOf = ({ remoteAddress = '' }: { remoteAddress?: string }): string =>
  networksAround(networkOf(canonicalAddress(remoteAddress) ?? '')).at(-1)!.name;
