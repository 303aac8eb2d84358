import type { NotificationCause, NotificationPage, SyncAnswer } from '#contracts';
import { happen, wholeReads, withPlans, type TestApp } from '#testing';
import { PrismaService, type Prisma } from '#platform';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { HideNotifications } from './commands/hide-notifications.command.js';
import { Notify } from './commands/notify.command.js';
import { PurgeNotifications } from './commands/purge-notifications.command.js';
import { ReconcileNotifications } from './commands/reconcile-notifications.command.js';
import { ReleaseNotifications } from './commands/release-notifications.command.js';
import { causes, revise } from './revisions/revise.js';

const TABLES = ['notifications', 'notification_causes', 'notification_preferences', 'blocks', 'users'];

/** 20,000 people with notifications, preferences and blocks: enough that reading a whole table is a mistake. */
const FILL = [
  `INSERT INTO users (id, email, password_hash, name, handle)
   SELECT id, id || '@example.com', '', 'Somebody', replace(id::text, '-', '')
   FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 20000)) AS ids`,
  `INSERT INTO notifications (id, user_id, type, data, read_at, held_until)
   SELECT gen_random_uuid(), id, 'mention', jsonb_build_object('post_id', gen_random_uuid()), CASE WHEN n < 3 THEN now() END,
     CASE WHEN n = 3 THEN now() + interval '1 hour' END
   FROM users, generate_series(1, 4) AS n`,
  `INSERT INTO notification_causes (user_id, key, notification_id, data)
   SELECT user_id, id::text, id, data FROM notifications`,
  `INSERT INTO notification_preferences (user_id) SELECT id FROM users`,
  `INSERT INTO blocks (blocker_id, blocked_id)
   SELECT id, lead(id) OVER (ORDER BY id) FROM users ORDER BY id LIMIT 19999`,
];

it('no notification request reads a whole table', () =>
  withPlans(FILL, async (app, plans) => {
    await playThrough(app);
    expect(plans.filter((plan) => plan.includes('notifications')).length).toBeGreaterThan(20);
    expect(wholeReads(plans, TABLES)).toEqual([]);
  }));

async function playThrough(app: TestApp): Promise<void> {
  const [anna, boris, vera] = await app.people('Anna Plan', 'Boris Plan', 'Vera Plan');
  const commands = app.app.get(CommandBus);
  const post = randomUUID();
  const keys: string[] = [];
  for (const { id } of [boris, vera, boris]) {
    const like: NotificationCause = {
      type: 'post_liked',
      key: randomUUID(),
      actorId: id,
      data: { post_id: post, user_id: id },
    };
    keys.push(like.key);
    await happen(app, like);
    await commands.execute(new Notify(like, [anna.id], true));
  }
  await commands.execute(new ReleaseNotifications());
  await commands.execute(new PurgeNotifications());
  // Undone, blocked and unblocked.
  const revised = async (sql: string, values: string[], which: Prisma.Sql) => {
    await app.rows(sql, values);
    await app.app.get(PrismaService).$transaction((tx) => revise(tx, which));
  };
  await revised('DELETE FROM post_likes WHERE user_id = $1', [boris.id], causes.named(keys));
  await revised(
    'INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2)',
    [anna.id, vera.id],
    causes.between(anna.id, vera.id),
  );
  await commands.execute(new ReconcileNotifications(vera.id));
  await commands.execute(new HideNotifications(randomUUID()));
  await revised('DELETE FROM blocks WHERE blocker_id = $1', [anna.id], causes.between(anna.id, vera.id));
  const { body } = await app.request<NotificationPage>('GET', 'notifications', anna.token);
  const sync = await app.request<SyncAnswer>('GET', 'sync', anna.token);
  for (const [method, path, sent] of [
    ['GET', 'notifications?is_read=false&limit=1'],
    ['GET', 'notifications?is_read=true&type=mention'],
    ['GET', 'notifications/unread-count'],
    ['GET', `sync?cursor=${sync.body.cursor}`],
    ['PUT', 'notifications/preferences', { types: { mention: false }, quiet_hours: null }],
    ['GET', 'notifications/preferences'],
    ['POST', `notifications/${body.items[0]!.id}/read`],
    ['POST', `notifications/${body.items[0]!.id}/read`],
    ['POST', 'notifications/read-all'],
  ] as const)
    expect([path, (await app.request(method, path, anna.token, sent)).status]).toEqual([path, 200]);
}
