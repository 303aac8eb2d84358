import { loadConfig, logger, PlatformModule } from '#platform';
import { DatabaseSession, createTestDatabase, type TestDatabase, until } from '#testing';
import { Test } from '@nestjs/testing';
import { Presence, PresenceModule } from './index.js';

const LOW = '00000000-0000-4000-8000-000000000001';
const HIGH = '00000000-0000-4000-8000-000000000002';

let database: TestDatabase;
let other: DatabaseSession;
beforeAll(async () => {
  logger.level = 'silent';
  database = await createTestDatabase();
  other = await DatabaseSession.at(database.url);
});
afterAll(async () => {
  await other.end();
  await database.drop();
});

const registers = (id: string) =>
  other.query(
    `INSERT INTO users (id, email, password_hash, name, handle) VALUES ($1, $2, '', 'Somebody', $2)`,
    [id, id.replaceAll('-', '')],
  );

it('locks users in one order, so that two processes never deadlock', async () => {
  const config = loadConfig({ DATABASE_URL: database.url, JWT_SECRET: 'x'.repeat(32) });
  const module = await Test.createTestingModule({
    imports: [PlatformModule.forRoot(config), PresenceModule],
  }).compile();
  await module.init();
  const presence = module.get(Presence);
  await registers(HIGH);
  presence.connected(HIGH, 'phone', []);
  // The first one is stored at once, alone. The stop stores both together, and would find this one first.
  const stored = () => other.query('SELECT FROM users WHERE last_seen_at IS NOT NULL');
  await until('the first is stored', async () => (await stored()).rowCount! > 0);
  await registers(LOW);
  presence.connected(LOW, 'phone', []);
  await other.query('BEGIN');
  await other.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [LOW]);
  const stopping = module.close();
  await other.somebodyWaits();
  await other.query('SELECT FROM users WHERE id = $1 FOR UPDATE NOWAIT', [HIGH]);
  await other.query('COMMIT');
  await stopping;
});
