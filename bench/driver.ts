import { Fleet, type ChatPlan, type Findings, type Round } from './fleet.js';

/**
 * A separate process, so that driving does not block a server's event loop. It holds the devices of both servers, so
 * that the same compiled code drives both.
 */

export type Order =
  | { do: 'open'; target: string; urls: string[]; chats: ChatPlan[] }
  | { do: 'run'; target: string; seconds: number }
  | { do: 'check'; target: string };

export type Answer = { done: true } | { round: Round } | { findings: Findings } | { failed: string };

const fleets = new Map<string, Fleet>();

async function run(order: Order): Promise<Answer> {
  if (order.do === 'open') {
    const fleet = new Fleet();
    fleets.set(order.target, fleet);
    await fleet.open(order.urls, order.chats);
    return { done: true };
  }
  const fleet = fleets.get(order.target)!;
  if (order.do === 'run') return { round: await fleet.run(order.seconds) };
  const findings = fleet.check();
  fleet.close();
  return { findings };
}

process.on('message', (order: Order) => {
  run(order).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ failed: String(error) } satisfies Answer),
  );
});
process.on('disconnect', () => process.exit());
