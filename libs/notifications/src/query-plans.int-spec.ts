import type { NotificationCause, NotificationPage, SyncAnswer } from '#contracts';
import { describePlans, FILL_USERS, happen, type TestApp } from '#testing';
import { PrismaService, type Prisma } from '#platform';
import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { HideNotifications } from './commands/hide-notifications.command.js';
import { Notify } from './commands/notify.command.js';
import { PurgeNotifications } from './commands/purge-notifications.command.js';
import { ReconcileNotifications } from './commands/reconcile-notifications.command.js';
import { ReleaseNotifications } from './commands/release-notifications.command.js';
import { causes, revise } from './revisions/revise.js';

const FILL = [
  FILL_USERS,
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

describePlans('notification requests', FILL, [
  {
    title: 'read no whole table',
    async run({ app, plans }) {
      await playThrough(app);
      expect(plans.filter((plan) => plan.includes('notifications')).length).toBeGreaterThan(20);
    },
  },
]);

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
  const { items } = await app.ask<NotificationPage>(anna, 'GET notifications');
  const { cursor } = await app.ask<SyncAnswer>(anna, 'GET sync');
  await app.ask(anna, 'GET notifications?is_read=false&limit=1');
  await app.ask(anna, 'GET notifications?is_read=true&type=mention');
  await app.ask(anna, 'GET notifications/unread-count');
  await app.ask(anna, `GET sync?cursor=${cursor}`);
  await app.ask(anna, 'PUT notifications/preferences', { types: { mention: false }, quiet_hours: null });
  await app.ask(anna, 'GET notifications/preferences');
  for (let i = 0; i < 2; i++) await app.ask(anna, `POST notifications/${items[0]!.id}/read`);
  await app.ask(anna, 'POST notifications/read-all');
}
