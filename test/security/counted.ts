import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const metric = async (url: string, line: RegExp) =>
  Number(line.exec(await (await fetch(`${url}/metrics`)).text())?.[1] ?? 0);

/** How many internal errors the server has answered. */
export const internalErrors = (url: string) =>
  metric(url, /^websocket_errors_total\{code="INTERNAL"\} (\d+)/m);

export const connections = (url: string) => metric(url, /^websocket_connections (\d+)/m);

/** How often a budget has refused something. */
export const refused = (url: string, budget: string) =>
  metric(url, new RegExp(`^budget_refusals_total\\{budget="${budget}"\\} (\\d+)`, 'm'));

/** Memory outside of the heap of this process, which runs the server, too: received bytes. */
export function held(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}
