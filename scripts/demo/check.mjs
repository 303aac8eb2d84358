import { isDeepStrictEqual } from 'node:util';

/** An expectation that failed, as one line for the reader. */
export class Failure extends Error {}

/** @throws Failure (names the first field in which the two differ) */
export function assertSame(what, actual, expected) {
  for (const [field, value] of Object.entries(expected)) {
    if (!isDeepStrictEqual(actual?.[field], value))
      throw new Failure(
        `${what}: ${field} is ${JSON.stringify(actual?.[field])}, not ${JSON.stringify(value)}`,
      );
  }
}

/** Compares both phones with the stored messages: none lost, none doubled, the same order. */
export async function compareWithHistory(phones, sent, firstSeq) {
  for (const phone of phones) {
    const stored = await phone.history(phone.chatId, firstSeq);
    stored.forEach(({ seq }, i) => {
      if (seq !== firstSeq + 1 + i)
        throw new Failure(`history has ${seq} in the place of ${firstSeq + 1 + i}`);
    });
    const kept = [...phone.messages.values()].sort((a, b) => a.seq - b.seq);
    const text = (messages) => messages.map(({ id, seq, content }) => `${seq} ${id} ${content}`).join('\n');
    if (text(kept) !== text(stored))
      throw new Failure(`${phone.firstName} holds other messages than are stored`);
    for (const { seq, message_id, body } of sent) {
      const copies = stored.filter((message) => message.id === message_id);
      if (copies.length !== 1) throw new Failure(`message ${seq} is stored ${copies.length} times`);
      assertSame(`message ${seq}`, copies[0], { seq, content: body.content, status: 'read' });
    }
    const twice = [...phone.delivered, ...phone.read].find(([, times]) => times > 1);
    if (twice) throw new Failure(`${phone.firstName} got a receipt of message ${twice[0]} twice`);
    if (phone.problems.length > 0) throw new Failure(phone.problems[0]);
  }
  if (new Set(sent.map(({ message_id }) => message_id)).size !== sent.length)
    throw new Failure('two messages have one id');
}

/** @throws Failure (says how to start a server) */
export async function findServer(url) {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) }).catch(
    () => null,
  );
  if (!response)
    throw new Failure(`No server answers at ${url}: run "npm start" in another terminal, or set DEMO_URL`);
  if (!response.ok)
    throw new Failure(`The server at ${url} is not ready (${response.status}): see what it logs`);
}
