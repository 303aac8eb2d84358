import type { ChatDto, SendMessageAck } from '#contracts';
import { Device, text, type Account, type Bystander } from '#testing';
import { setTimeout as sleep } from 'node:timers/promises';

type Ack = Partial<Omit<SendMessageAck, 'status'>> & { status: string; code?: string };

/** A device that sends without a pause until its connection ends, and keeps what became of each send. */
export class Sender {
  /** By client_id; undefined: not answered. */
  readonly sends = new Map<string, Ack | undefined>();
  /** Why its connection ended, and whether it is going to connect again by itself. */
  ended?: { reason: string; returns: boolean };

  private constructor(
    readonly device: Device,
    private readonly chat: ChatDto,
    private readonly name: string,
  ) {
    device.socket.on('disconnect', (reason) => {
      this.ended = { reason, returns: device.socket.active };
      device.close();
    });
  }

  static async start(url: string, account: Account, chat: ChatDto, transport: string): Promise<Sender> {
    const options = { transports: [transport], reconnection: true };
    const sender = new Sender(await Device.connect(url, account.token, options), chat, account.id);
    void sender.run();
    return sender;
  }

  answers(status: 'sent' | 'error'): { clientId: string; ack: Ack }[] {
    return [...this.sends].flatMap(([clientId, ack]) => (ack?.status === status ? [{ clientId, ack }] : []));
  }

  /** Sends anew whatever is not known to be stored, as the protocol asks. */
  async repeat(url: string, account: Account): Promise<void> {
    const device = await Device.connect(url, account.token);
    for (const [clientId, ack] of this.sends) {
      if (ack?.status === 'sent') continue;
      const again = await device.send('chat:message:send', this.message(clientId));
      this.sends.set(clientId, again);
    }
    device.close();
  }

  private async run(): Promise<void> {
    for (let i = 1; !this.ended; i++) {
      const clientId = `${this.name}-${i}`;
      this.sends.set(clientId, undefined);
      this.device.socket.emit('chat:message:send', this.message(clientId), (ack: Ack) =>
        this.sends.set(clientId, ack),
      );
      await sleep(2);
    }
  }

  private message(clientId: string) {
    return text(this.chat, clientId, { client_id: clientId });
  }
}

/** Each send that was acknowledged is stored once, as it was acknowledged, and nothing is missing in between. */
export async function expectStoredOnce(direct: Bystander, chat: ChatDto, senders: Sender[]): Promise<void> {
  const { rows } = await direct.query<{ id: string; seq: number; client_id: string }>(
    'SELECT id, seq, client_id FROM messages WHERE chat_id = $1 ORDER BY seq',
    [chat.id],
  );
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1));
  const stored = new Map(rows.map(({ id, seq, client_id }) => [client_id, { message_id: id, seq }]));
  expect(stored.size).toBe(rows.length);
  for (const sender of senders)
    for (const { clientId, ack } of sender.answers('sent'))
      expect([clientId, stored.get(clientId)]).toEqual([
        clientId,
        { message_id: ack.message_id, seq: ack.seq },
      ]);
}
