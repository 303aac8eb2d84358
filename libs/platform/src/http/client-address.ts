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

/** What a limit by address counts by: an IPv6 subscriber has all addresses of a /64. @param address canonical */
export const networkOf = (address: string): string =>
  ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString() : address;
