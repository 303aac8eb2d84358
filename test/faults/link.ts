import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The network between the app and its database, with the faults that networks have. */
export class Link {
  private readonly open = new Set<Socket>();
  private state: 'up' | 'down' | 'stuck' = 'up';
  private marker?: string;
  private lost?: () => void;

  private constructor(
    private readonly server: Server,
    /** The database's address, by way of this link. */
    readonly url: string,
  ) {}

  static async to(databaseUrl: string): Promise<Link> {
    const target = new URL(databaseUrl);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const through = new URL(databaseUrl);
    through.hostname = '127.0.0.1';
    through.port = String((server.address() as AddressInfo).port);
    const link = new Link(server, through.href);
    server.on('connection', (client) => link.pass(client, Number(target.port), target.hostname));
    return link;
  }

  /** Every connection breaks, and no new one is made. */
  cut(): void {
    this.state = 'down';
    for (const socket of this.open) socket.destroy();
  }

  /** Nothing gets through any more, and nobody is told. */
  stick(): void {
    this.state = 'stuck';
    for (const socket of this.open) socket.pause();
  }

  mend(): void {
    this.state = 'up';
    for (const socket of this.open) socket.resume();
  }

  /** The next statement that contains `marker` is carried out, and its connection breaks before the answer is back. */
  loseAnswerTo(marker: string): Promise<void> {
    this.marker = marker;
    return new Promise((resolve) => (this.lost = resolve));
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private pass(client: Socket, port: number, host: string): void {
    if (this.state === 'down') return void client.destroy();
    const database = connect(port, host);
    let losing = false;
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      this.open.add(from);
      if (this.state === 'stuck') from.pause();
      from.on('error', () => undefined);
      from.on('close', () => {
        this.open.delete(from);
        to.destroy();
      });
    }
    client.on('data', (data) => {
      if (this.marker && data.includes(this.marker)) {
        losing = true;
        this.marker = undefined;
      }
      database.write(data);
    });
    database.on('data', (data) => {
      if (!losing) return void client.write(data);
      client.destroy();
      this.lost?.();
    });
  }
}
