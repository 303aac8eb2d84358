import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

/**
 * The baseline: the same events on Socket.IO alone. It stores and checks nothing, and trusts all data of the client.
 * The payload has the same size.
 */

interface Send {
  chat_id: string;
  type: string;
  content: string;
  client_id: string;
}

export interface RelayAuth {
  user_id: string;
  name: string;
  chats: string[];
}

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false });
const lastSeq = new Map<string, number>();

io.on('connection', (socket) => {
  const { user_id, name, chats } = socket.handshake.auth as RelayAuth;
  void socket.join(chats.map((id) => `chat:${id}`));
  socket.emit('connected', { socket_id: socket.id, user_id, timestamp: new Date().toISOString() });
  socket.emit('sync:required', {
    user_id,
    reason: 'connection_established',
    timestamp: new Date().toISOString(),
  });

  socket.on('chat:message:send', (send: Send, ack: (answer: object) => void) => {
    const seq = (lastSeq.get(send.chat_id) ?? 0) + 1;
    lastSeq.set(send.chat_id, seq);
    const id = randomUUID();
    const created_at = new Date().toISOString();
    io.to(`chat:${send.chat_id}`).emit('chat:message:new', {
      id,
      chat_id: send.chat_id,
      sender_id: user_id,
      sender_name: name,
      sender_avatar: null,
      type: send.type,
      content: send.content,
      metadata: {},
      created_at,
      status: 'sent',
      seq,
      change_seq: 0,
      reply_to: null,
      forwarded_from: null,
      edited_at: null,
      pinned_at: null,
      deleted_at: null,
      reactions: [],
    });
    ack({ status: 'sent', message_id: id, created_at, seq, client_id: send.client_id });
  });
});

http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
