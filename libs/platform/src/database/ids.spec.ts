import { SharedClock } from '../redis/clock.js';
import { newId } from './ids.js';
import type { PgPool } from '../prisma/prisma.service.js';

const timeOf = (id: string) => parseInt(id.replaceAll('-', '').slice(0, 12), 16);
/** A clock that follows a database. */
async function following(now: () => number): Promise<SharedClock> {
  const clock = new SharedClock({
    query: () => Promise.resolve({ rows: [{ now: now() }] }),
  } as unknown as PgPool);
  await clock.onModuleInit();
  clock.onApplicationShutdown();
  return clock;
}

afterEach(async () => {
  jest.restoreAllMocks();
  await following(() => Date.now());
});

it('ids are in order of creation, whatever the clocks do', () => {
  const [monotonic, wall] = [performance.now(), Date.now()];
  const ids: string[] = [];
  for (const jump of [0, 0, 50, -600_000, 10, -5, 0]) {
    jest.spyOn(performance, 'now').mockReturnValue(monotonic + jump);
    jest.spyOn(Date, 'now').mockReturnValue(wall + jump);
    for (let i = 0; i < 500; i++) ids.push(newId());
  }
  expect(ids).toEqual([...new Set(ids)].sort());
});

it('ids use the time of the database, not of the process', async () => {
  const now = Date.now();
  await following(() => now + 2000);
  jest.spyOn(Date, 'now').mockReturnValue(now - 600_000);
  const [id] = [newId()];
  expect(timeOf(id) - now).toBeGreaterThanOrEqual(2000);
  expect(timeOf(id) - now).toBeLessThan(60_000);
});

it('an unavailable database leaves the time unchanged', async () => {
  const before = timeOf(newId());
  await following(() => {
    throw new Error('away');
  });
  expect(timeOf(newId()) - before).toBeLessThan(60_000);
});
