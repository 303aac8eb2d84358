import {
  DatabaseSession,
  createTestDatabase,
  Link,
  TestApp,
  until,
  type Account,
  type Device,
} from '#testing';

/** The whole app with its database behind a link, and two connected people. */
class Scene {
  link!: Link;
  app!: TestApp;
  /** Connects to the database itself, whatever happens to the link. */
  direct!: DatabaseSession;
  anna!: Account;
  boris!: Account;
  firstDevice!: Device;
  secondDevice!: Device;

  async isReady(): Promise<boolean> {
    return (await this.app.request('GET', '/health/ready')).status === 200;
  }

  async comesBack(): Promise<void> {
    this.link.mend();
    await until('the app ready', () => this.isReady());
  }
}

/** Starts a scene for a whole test file, and mends the link after each test. */
export function setScene(): Scene {
  const scene = new Scene();
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase();
    drop = () => database.drop();
    scene.link = await Link.to(database.url);
    scene.direct = await DatabaseSession.at(database.url);
    scene.app = await TestApp.start({ DATABASE_URL: scene.link.url });
    [scene.anna, scene.boris] = await scene.app.people('Анна', 'Борис');
    [scene.firstDevice, scene.secondDevice] = await scene.app.devices(scene.anna, scene.boris);
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
