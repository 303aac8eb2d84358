import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { connect } from '../raw-client.js';
import type { Attack, Tally } from './attack.js';
import { addressOf, flood, hold, SOCKET_IO, webSocket } from './client.js';
import { longChat } from './seed.js';

/** These attacks use one connection, or many connections of one user. */

const nothing = { onMessage: () => {}, onAck: () => {}, onOther: () => {}, onClose: () => {} };

export const connects: Attack = {
  name: 'connects',
  what: 'CONNECTs of the namespaces of one connection',
  run: async ({ realtime, attackers }, tally, isOver) => {
    await flood(20, 2000, isOver, async (i) => {
      const { token } = attackers[i % attackers.length]!;
      const socket = await webSocket(realtime, `${SOCKET_IO}websocket`, addressOf(i % 20));
      if (!socket) return;
      // Half of the sockets send all at once, the others sequentially.
      const times = i % 2 ? 200 : 30;
      for (let k = 0; k < times && socket.readyState === WebSocket.OPEN; k++) {
        const path = ['', '/messenger,', '/chat-basic,'][k % 3]!;
        socket.send(`40${path}${JSON.stringify({ token })}`);
        tally.made += 1;
        if (times === 200) continue;
        await sleep(20);
        socket.send(`41${path}`);
      }
      await sleep(100);
      if (socket.readyState !== WebSocket.OPEN) tally.refused += 1;
      socket.terminate();
    });
  },
};

export const events: Attack = {
  name: 'events',
  what: 'events over 120 sockets of 3 users',
  run: async ({ realtime, attackers, group }, tally, isOver) => {
    const asked = [
      ['users:list', { query: 'анна', limit: 200 }],
      ['presence:get', { user_ids: attackers.map(({ id }) => id) }],
      ['chat:typing', { chat_id: group, is_typing: true }],
      ['chat:pins', { chat_id: group }],
      ['chat:message:send', { chat_id: group, type: 'text', content: 'x'.repeat(4000) }],
    ];
    const sockets: WebSocket[] = [];
    await flood(
      20,
      120,
      () => false,
      async (i) => {
        const { token } = attackers[i % 3]!;
        const onAck = (_id: number, seq: number, _tail: number, text = '') =>
          tally.answered(seq < 0 && text.includes('"status":"error"') ? 429 : 200);
        sockets.push(await connect(realtime, { token }, { ...nothing, onAck }, addressOf(i % 3)));
      },
    );
    let sent = 0;
    // As fast as the server reads, up to 60,000.
    while (!isOver() && sent < 60_000) {
      for (const socket of sockets)
        if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount === 0)
          for (let k = 0; k < 5; k++) socket.send(`42${sent}${JSON.stringify(asked[sent++ % asked.length])}`);
      await sleep(50);
    }
  },
};

export const unreadSockets: Attack = {
  name: 'unread-sockets',
  what: 'messages to 200 sockets that do not read',
  run: async ({ realtime, attackers, group }, tally, isOver) => {
    await flood(20, 200, isOver, async (i) => {
      const socket = await unreading(realtime, attackers[i % attackers.length]!.token, i, tally);
      // Each user sends, and all sockets receive it.
      if (socket && i < attackers.length) sendMessages(socket, group, tally);
    });
    await hold(isOver);
  },
};

/** Undefined when the connection is refused. */
async function unreading(url: string, token: string, address: number, tally: Tally) {
  const socket = await connect(url, { token }, nothing, addressOf(address % 20)).catch(() => undefined);
  if (!socket) tally.refused += 1;
  socket?.once('close', () => (tally.refused += 1));
  socket?.pause();
  return socket;
}

function sendMessages(socket: WebSocket, chat_id: string, tally: Tally): void {
  const message = JSON.stringify({ chat_id, type: 'text', content: '😀'.repeat(4000) });
  for (let i = 0; i < 400; i++) socket.send(`42${i}["chat:message:send",${message}]`);
  tally.made += 400;
}

/** Each page is kept in memory for a single socket. */
export const unreadPages: Attack<void> = {
  name: 'unread-pages',
  what: 'pages of 1 MB to sockets that do not read',
  prepare: async (db, { group, attackers }) => {
    await longChat(db, group, attackers[0]!.id, '😀', 100);
    await db.query(`UPDATE messages SET pinned_at = now() + seq * interval '1 ms' WHERE chat_id = $1`, [
      group,
    ]);
  },
  run: async ({ realtime, attackers, group }, tally, isOver) => {
    await flood(4, 300, isOver, async (i) => {
      const socket = await unreading(realtime, attackers[i % attackers.length]!.token, i, tally);
      for (let k = 0; k < 8; k++) socket?.send(`42${k}["chat:pins",{"chat_id":"${group}"}]`);
      tally.made += 8;
      await sleep(50);
    });
    await hold(isOver);
  },
};

export const assistantFrames: Attack = {
  name: 'assistant-frames',
  what: 'frames of 1.9 MB to the assistant',
  run: async ({ realtime, attackers }, tally, isOver) => {
    const frame = Buffer.alloc(1_900_000, ' ');
    await flood(20, 400, isOver, async (i) => {
      const socket = await webSocket(realtime, '/ws/chat', addressOf(i % 20));
      if (!socket) return;
      signIn(socket, attackers[i % attackers.length]!.token, tally);
      socket.pause();
      for (let k = 0; k < 4 && socket.readyState === WebSocket.OPEN; k++) {
        socket.send(frame);
        tally.made += 1;
      }
      await sleep(200);
      socket.resume();
      await sleep(200);
    });
  },
};

function signIn(socket: WebSocket, token: string, tally: Tally): void {
  socket.on('message', (data: Buffer) => {
    if (data.includes('"type":"error"')) tally.refused += 1;
  });
  socket.send(JSON.stringify({ type: 'join_chat', data: { token } }));
}
