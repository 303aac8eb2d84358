import { Bystander, createTestDatabase, TestApp, type Account, type Device } from '#testing';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The network before a server (the app's database, or the app itself), with the faults that networks have. */
export class Link {
  private readonly open = new Set<Socket>();
  private state: 'up' | 'down' | 'stuck' = 'up';
  private marker?: string;
  private lost?: () => void;

  private constructor(
    private readonly server: Server,
    /** The server's address, by way of this link. */
    readonly url: string,
    private target: URL,
  ) {}

  static async to(serverUrl: string): Promise<Link> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const through = new URL(serverUrl);
    through.hostname = '127.0.0.1';
    through.port = String((server.address() as AddressInfo).port);
    const link = new Link(server, through.href, new URL(serverUrl));
    server.on('connection', (client) => link.pass(client));
    return link;
  }

  /** New connections go to another server. */
  leadTo(serverUrl: string): void {
    this.target = new URL(serverUrl);
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

  private pass(client: Socket): void {
    if (this.state === 'down') return void client.destroy();
    const server = connect(Number(this.target.port), this.target.hostname);
    let losing = false;
    for (const [from, to] of [
      [client, server],
      [server, client],
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
      server.write(data);
    });
    server.on('data', (data) => {
      if (!losing) return void client.write(data);
      client.destroy();
      this.lost?.();
    });
  }
}

/** The whole app with its database behind a link, and two people who are connected. */
class Scene {
  link!: Link;
  app!: TestApp;
  /** To the database itself, whatever becomes of the link. */
  direct!: Bystander;
  anna!: Account;
  boris!: Account;
  hers!: Device;
  his!: Device;

  async isReady(): Promise<boolean> {
    return (await this.app.request('GET', '/health/ready')).status === 200;
  }

  async comesBack(): Promise<void> {
    this.link.mend();
    for (let i = 0; i < 100 && !(await this.isReady()); i++) await sleep(50);
  }
}

/** For a whole file of tests; after each of them the link is mended. */
export function setScene(): Scene {
  const scene = new Scene();
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase();
    drop = () => database.drop();
    scene.link = await Link.to(database.url);
    scene.direct = await Bystander.at(database.url);
    scene.app = await TestApp.start({ DATABASE_URL: scene.link.url });
    [scene.anna, scene.boris] = await scene.app.people('Анна', 'Борис');
    [scene.hers, scene.his] = await scene.app.devices(scene.anna, scene.boris);
  });
  afterEach(() => scene.link.mend());
  afterAll(async () => {
    await scene.app.stop();
    await scene.direct.end();
    scene.link.close();
    await drop();
  });
  return scene;
}
