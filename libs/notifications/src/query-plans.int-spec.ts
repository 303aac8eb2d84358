import type { NotificationCause, NotificationPage, SyncAnswer } from '#contracts';
import { wholeReads, withPlans, type TestApp } from '#testing';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { Notify } from './commands/notify.command.js';
import { PurgeNotifications } from './commands/purge-notifications.command.js';
import { ReleaseNotifications } from './commands/release-notifications.command.js';

const TABLES = ['notifications', 'notification_causes', 'notification_preferences', 'blocks', 'users'];

/** 20,000 people with notifications, preferences and blocks: reading a whole table is a mistake then. */
const FILL = [
  `INSERT INTO users (id, email, password_hash, name, handle)
   SELECT id, id || '@example.com', '', 'Somebody', replace(id::text, '-', '')
   FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 20000)) AS ids`,
  `INSERT INTO notifications (id, user_id, type, data, read_at, held_until)
   SELECT gen_random_uuid(), id, 'mention', '{"post_id": "x"}', CASE WHEN n < 3 THEN now() END,
     CASE WHEN n = 3 THEN now() + interval '1 hour' END
   FROM users, generate_series(1, 4) AS n`,
  `INSERT INTO notification_causes (user_id, key, notification_id) SELECT user_id, id::text, id FROM notifications`,
  `INSERT INTO notification_preferences (user_id) SELECT id FROM users`,
  `INSERT INTO blocks (blocker_id, blocked_id)
   SELECT id, lead(id) OVER (ORDER BY id) FROM users ORDER BY id LIMIT 19999`,
];

it('nothing that is asked of notifications reads a whole table', () =>
  withPlans(FILL, async (app, plans) => {
    await playThrough(app);
    expect(plans.filter((plan) => plan.includes('notifications')).length).toBeGreaterThan(20);
    expect(wholeReads(plans, TABLES)).toEqual([]);
  }));

async function playThrough(app: TestApp): Promise<void> {
  const [anna, boris, vera] = await app.people('Anna Plan', 'Boris Plan', 'Vera Plan');
  const commands = app.app.get(CommandBus);
  const post = randomUUID();
  for (const { id } of [boris, vera, boris]) {
    const like: NotificationCause = {
      type: 'post_liked',
      key: randomUUID(),
      actorId: id,
      data: { post_id: post, user_id: id },
    };
    await commands.execute(new Notify(like, [anna.id], true));
  }
  await commands.execute(new ReleaseNotifications());
  await commands.execute(new PurgeNotifications());
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
