import type { BookingDto, ServerEvent } from '#contracts';
import { Device, text, type Account, type TestApp } from '#testing';
import { randomUUID } from 'node:crypto';
import type { Relation } from './sight-table.js';

/** Words in every new name and text after the block, ban or leaving. */
export const SECRET = /тайна|secret/i;
const PICTURE = 'https://secret.example/track.gif';
const DAY = 86_400_000;
const midnight = (days: number) => new Date((Math.floor(Date.now() / DAY) + days) * DAY).toISOString();

/** An answer without times and generated numbers. */
type Answer = { status: number; body: object };

/** Two people with every kind of relationship, until something separates them, and a third one who stays. */
export class Scene {
  private readonly fixtures: Record<string, string> = {
    from: midnight(9),
    to: midnight(10),
    conversation: randomUUID(),
  };

  private constructor(
    private readonly app: TestApp,
    private readonly relation: Relation,
    readonly looker: Account,
    readonly subject: Account,
    readonly third: Account,
    private readonly device: Device,
  ) {}

  static async set(app: TestApp, relation: Relation): Promise<Scene> {
    const [looker, subject, third] = await app.people('Анна', 'Борис', 'Вера');
    const scene = new Scene(app, relation, looker, subject, third, await app.device(looker));
    await scene.meet();
    await scene.cut();
    await scene.device.settled();
    return scene;
  }

  private done<T = { id: string }>(who: Account, route: string, body?: object): Promise<T> {
    return this.app.ask<T>(who, this.fill(route), body);
  }

  private fill(template: string, unknown = false): string {
    const { subject, third } = this;
    const fixtures: Record<string, string> = { subject: subject.id, third: third.id, ...this.fixtures };
    return template.replace(/\{(\w+)\}/g, (_, name: string) =>
      unknown && ['subject', 'post', 'service', 'request'].includes(name) ? randomUUID() : fixtures[name]!,
    );
  }

  private async said(who: Account, chat: string, more: object): Promise<string> {
    const route = `POST chats/{${chat}}/messages`;
    return (await this.done<{ message_id: string }>(who, route, { type: 'text', ...more })).message_id;
  }

  /** The master is the first one. The visit is set to yesterday. */
  private async booked(master: Account, client: Account): Promise<{ service: string; booking: string }> {
    const weekly = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '00:00', to: '24:00' }));
    await this.done(master, 'PUT users/me/availability', { timezone: 'UTC', weekly });
    const service = await this.done(master, 'POST services', { name: 'Стрижка', price: 1, duration: 60 });
    const request = { service_id: service.id, starts_at: midnight(3) };
    const booking = await this.done<BookingDto>(client, 'POST bookings', request);
    await this.done(master, `POST bookings/${booking.id}/confirm`);
    return { service: service.id, booking: booking.id };
  }

  private async meet(): Promise<void> {
    const { app, looker, subject, third, fixtures } = this;
    fixtures.lookers = (await app.group(looker, third)).id;
    fixtures.own = (await this.done(looker, 'POST posts', { content: 'Слова' })).id;
    fixtures.post = (await this.done(subject, 'POST posts', { content: 'Слова' })).id;
    fixtures.request = randomUUID();
    const theirs = await this.booked(subject, third);
    fixtures.service = theirs.service;
    // A stranger has none of the following, so others take its place and every request is sent.
    const isStranger = this.relation === 'stranger';
    fixtures.group = (await app.group(third, subject, ...(isStranger ? [] : [looker]))).id;
    // After leaving a group, a direct chat shows a former member what it shows anybody.
    const isApart = isStranger || this.relation === 'former member';
    fixtures.direct = (await app.chat(looker, isApart ? third : subject)).id;
    if (isStranger) {
      Object.assign(fixtures, {
        mine: randomUUID(),
        ours: randomUUID(),
        booking: randomUUID(),
        visit: randomUUID(),
      });
      fixtures.said = await this.said(subject, 'group', { content: 'Старые слова' });
      return;
    }
    fixtures.mine = await this.said(looker, 'direct', { content: 'Мои слова' });
    await this.said(isApart ? third : subject, 'direct', { content: 'Твои слова' });
    fixtures.ours = await this.said(looker, 'group', { content: 'Мои слова' });
    fixtures.said = await this.said(subject, 'group', { content: 'Старые слова' });
    await this.done(third, 'PUT chats/{group}/messages/{said}/pin');
    await this.share();
    await this.done(subject, 'POST posts/{own}/comments', { content: 'Слова' });
    await this.done(subject, 'PUT posts/{own}/like');
    fixtures.request = (await this.done(subject, 'POST friends/requests', { user_id: looker.id })).id;
    fixtures.booking = (await this.booked(looker, subject)).booking;
    fixtures.visit = (
      await this.done<BookingDto>(looker, 'POST bookings', {
        service_id: fixtures.service,
        starts_at: midnight(4),
      })
    ).id;
    await app.rows(
      `UPDATE bookings SET status = 'completed', starts_at = now() - interval '2 hours', ends_at = now() - interval '1 hour'
       WHERE id = $1`,
      [fixtures.booking],
    );
  }

  /** The third one shares the other's present fixtures with the group. */
  private async share(): Promise<void> {
    const { third, subject, fixtures } = this;
    await this.said(third, 'group', { type: 'profile_share', content: subject.id });
    await this.said(third, 'group', { type: 'post_share', content: fixtures.post });
    await this.done(third, 'POST chats/{group}/forward', { message_ids: [fixtures.said] });
  }

  private async cut(): Promise<void> {
    const { app, looker, subject, third } = this;
    switch (this.relation) {
      case 'blocked by':
        return void (await this.done(subject, `PUT users/${looker.id}/block`));
      case 'blocking':
        return void (await this.done(looker, `PUT users/${subject.id}/block`));
      case 'former member':
        return void (await this.done(third, `DELETE chats/{group}/members/${looker.id}`));
      case 'banned': {
        const admin = await app.register('Админ');
        await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
        return void (await this.done(admin, `POST admin/users/${subject.id}/ban`));
      }
      case 'stranger':
    }
  }

  /** The looker's present answers, by path. */
  async look(templates: string[]): Promise<Record<string, Answer>> {
    const answers: [string, Answer][] = [];
    for (const template of templates) {
      const { status, body } = await this.app.request<object>('GET', this.fill(template), this.looker.token);
      answers.push([template.replaceAll('.', ''), { status, body }]);
    }
    return Object.fromEntries(answers);
  }

  /** The code or status of the looker's answer; with `unknown`, for a user who does not exist. */
  async act([route, body]: readonly [string, object?], unknown = false): Promise<string | number> {
    const [method, path] = this.fill(route, unknown).split(' ') as [string, string];
    const filled = body && (JSON.parse(this.fill(JSON.stringify(body), unknown)) as object);
    const reply = await this.app.request<{ message?: string }>(method, path, this.looker.token, filled);
    return reply.body.code ? `${reply.body.code} ${reply.body.message}` : reply.status;
  }

  /** Their further actions, as far as each is still allowed. Returns the events that the looker's device received. */
  async goOn(): Promise<[event: ServerEvent, payload: object][]> {
    const { app, subject, third, device, fixtures } = this;
    const before = device.received.length;
    if (this.relation !== 'banned') {
      const handle = `secret_${randomUUID().slice(0, 8)}`;
      await this.done(subject, 'PATCH users/me', { name: 'Тайна', handle, avatar: PICTURE });
      const phone = await app.device(subject);
      await phone.send('chat:typing', { chat_id: fixtures.group, is_typing: true });
      await this.done(subject, 'GET sync');
      const isApart = this.relation === 'stranger' || this.relation === 'former member';
      for (const chat of isApart ? ['group'] : ['group', 'direct']) {
        const all = await app.history(subject, fixtures[chat]!);
        const message_id = all.at(-1)!.id;
        await phone.send('chat:message:read', { chat_id: fixtures[chat], message_id });
      }
      await phone.send('chat:message:send', text({ id: fixtures.group! }, 'Новая тайна'));
      await this.done(subject, 'PATCH chats/{group}/messages/{said}', { content: 'Это тайна' });
      if (this.relation !== 'stranger') {
        await this.done(subject, 'POST chats/{group}/messages/{ours}/reactions', { emoji: '👍', on: true });
        await this.done(subject, 'PUT chats/{group}/messages/{ours}/pin');
        if (this.relation !== 'former member') {
          await this.done(subject, `POST bookings/{booking}/review`, { rating: 1, text: 'Тайна' });
          await this.done(subject, 'POST bookings/{visit}/cancel', { reason: 'Тайна' }).catch(
            () => undefined,
          );
        }
      }
      phone.close();
      await app.lastSeenStored(subject);
      await this.share();
    }
    await this.done(third, 'POST chats/{group}/forward', { message_ids: [fixtures.said] });
    await this.done(third, 'PATCH chats/{group}', { title: 'Группа' });
    await device.settled();
    return device.received.slice(before).map(({ event, payload }) => [event as ServerEvent, payload]);
  }
}
