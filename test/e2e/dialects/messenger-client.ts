import { PlainClient } from '#testing';

/** Connects as the `SocketService` of both messenger documents does, with our address. */
export const openMessenger = (address: string, token: string | null): PlainClient =>
  PlainClient.open(address, {
    auth: { token: token ? `Bearer ${token}` : null },
    transports: ['websocket'],
    timeout: 15000,
    reconnection: true,
    reconnectionAttempts: 3,
    reconnectionDelay: 1000,
    reconnectionDelayMax: 5000,
    autoConnect: true,
  });
