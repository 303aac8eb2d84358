import type { Connection } from '#realtime';

export function byUserId<C extends Connection>(connections: Iterable<C>): Map<string, C[]> {
  const groups = new Map<string, C[]>();
  for (const connection of connections) {
    const group = groups.get(connection.userId);
    if (group) group.push(connection);
    else groups.set(connection.userId, [connection]);
  }
  return groups;
}
