import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A simulated network in front of a server (the app's database, or the app itself), with typical faults. With several
 * servers, each connection goes to the next available one, as behind a proxy.
 */
export class Link {
  private readonly open = new Set<Socket>();
  private state: 'up' | 'down' | 'stuck' = 'up';
  private queue = 0;
  private marker?: string;
  private lost?: () => void;

  private constructor(
    private readonly server: Server,
    /** The address of the first server through this link. */
    readonly url: string,
    private targets: URL[],
  ) {}

  static async to(...serverUrls: [string, ...string[]]): Promise<Link> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const through = new URL(serverUrls[0]);
    through.hostname = '127.0.0.1';
    through.port = String((server.address() as AddressInfo).port);
    const link = new Link(server, through.href, toUrls(serverUrls));
    server.on('connection', (client) => void link.pass(client));
    return link;
  }

  /** Routes new connections to other servers. */
  leadTo(...serverUrls: string[]): void {
    this.targets = toUrls(serverUrls);
  }

  /** Breaks every connection and refuses new ones. */
  cut(): void {
    this.state = 'down';
    for (const socket of this.open) socket.destroy();
  }

  /** Delivers nothing any more, without closing a connection. */
  stick(): void {
    this.state = 'stuck';
    for (const socket of this.open) socket.pause();
  }

  mend(): void {
    this.state = 'up';
    for (const socket of this.open) socket.resume();
  }

  /** The next statement that contains `marker` is executed, and its connection breaks before the answer arrives. */
  loseAnswerTo(marker: string): Promise<void> {
    this.marker = marker;
    return new Promise((resolve) => (this.lost = resolve));
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private async pass(client: Socket): Promise<void> {
    client.on('error', () => undefined);
    const server = this.state === 'down' ? undefined : await this.reach();
    if (!server || client.destroyed || this.state === 'down') {
      server?.destroy();
      return void client.destroy();
    }
    let losing = false;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.open.add(from);
      if (this.state === 'stuck') from.pause();
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
      server.write(data);
    });
    server.on('data', (data) => {
      if (!losing) return void client.write(data);
      client.destroy();
      this.lost?.();
    });
  }

  private async reach(): Promise<Socket | undefined> {
    for (let i = 0; i < this.targets.length; i++) {
      const target = this.targets[this.queue++ % this.targets.length]!;
      const server = connect(Number(target.port), target.hostname);
      server.on('error', () => undefined);
      if (await once(server, 'connect').catch(() => undefined)) return server;
    }
    return undefined;
  }
}

const toUrls = (urls: string[]) => urls.map((url) => new URL(url));
