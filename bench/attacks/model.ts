import type WebSocket from 'ws';
import type { Attack, Tally } from './attack.js';
import { addressOf, hold, webSocket } from './client.js';
import { TRICKS } from './tricks.js';

export const model: Attack = {
  name: 'model',
  what: 'answers of a hostile model server',
  run: async ({ realtime, attackers }, tally, isOver) => {
    for (const [i, { token }] of attackers.entries()) {
      const socket = await webSocket(realtime, '/ws/chat', addressOf(i));
      if (socket) converse(socket, token, i, tally);
    }
    await hold(isOver);
  },
};

/** Requests the next trick when the previous answer has ended. */
function converse(socket: WebSocket, token: string, first: number, tally: Tally): void {
  const send = (type: string, data: object) => socket.send(JSON.stringify({ type, data }));
  let asked = first;
  const ask = () => {
    tally.made += 1;
    send('message', { message: TRICKS[asked++ % TRICKS.length] });
  };
  socket.on('message', (data: Buffer) => {
    const { type, data: said } = JSON.parse(data.toString()) as { type: string; data: { code?: string } };
    if (type === 'error') tally.refused += 1;
    if (type === 'chat_created' || type === 'assistant_message_complete') ask();
    else if (said.code === 'RATE_LIMIT') setTimeout(ask, 1000);
  });
  send('join_chat', { token });
  send('create_chat', {});
}
