import { isLoopback, type Config } from '#platform';
import { lookup } from 'node:dns/promises';

/** Whether other machines can reach a server with these settings, directly or through a proxy. */
export async function isReachable({
  HOST,
  TRUSTED_PROXIES,
}: Pick<Config, 'HOST' | 'TRUSTED_PROXIES'>): Promise<boolean> {
  if (TRUSTED_PROXIES > 0) return true;
  const found = await lookup(HOST!, { all: true }).catch(() => []);
  const isOnlyHere = found.every(({ address }) => isLoopback(address));
  return found.length === 0 || !isOnlyHere;
}
