import { NOTIFICATION_TYPES, type NotificationData } from '#contracts';
import fc from 'fast-check';
import { NOTIFICATION_RULES, render } from './notification-types.js';

const booking = {
  booking_id: 'b',
  service_id: 's',
  service_name: 'Маникюр',
  master_id: 'm',
  client_id: 'c',
  starts_at: '2026-01-10T11:00:00.000Z',
  timezone: 'Europe/Moscow',
};
const post = { post_id: 'p', user_id: 'u' };
const DATA: NotificationData = {
  booking_request: booking,
  booking_confirmed: booking,
  booking_cancelled: { ...booking, outcome: 'declined', reason: null },
  friend_request: { request_id: 'r', user_id: 'u' },
  friend_accepted: { request_id: 'r', user_id: 'u' },
  post_liked: post,
  post_commented: { ...post, comment_id: 'c' },
  post_reposted: { ...post, repost_id: 'r' },
  mention: { ...post, comment_id: null },
  review_received: { review_id: 'r', booking_id: 'b', user_id: 'u', rating: 5 },
  auto_booking_proposal: { ...booking },
};

describe.each(NOTIFICATION_TYPES)('%s', (type) => {
  it.each(['ru', 'en'])('has texts in %s, also without an actor', (locale) => {
    for (const actor of ['Анна', null]) {
      const { title, body } = render(type, locale, { actor, othersCount: 0, data: DATA[type] });
      expect(title).not.toBe('');
      expect(body).not.toMatch(/undefined|null|NaN|Invalid|\[object/);
      expect(/[а-я]/.test(title)).toBe(locale === 'ru');
    }
  });
});

it.each([
  [0, 'Анна оценил(а) ваш пост', 'Анна liked your post'],
  [1, 'Анна и ещё 1 человек оценили ваш пост', 'Анна and 1 other liked your post'],
  [2, 'Анна и ещё 2 человека оценили ваш пост', 'Анна and 2 others liked your post'],
  [12, 'Анна и ещё 12 человек оценили ваш пост', 'Анна and 12 others liked your post'],
  [21, 'Анна и ещё 21 человек оценили ваш пост', 'Анна and 21 others liked your post'],
  [22, 'Анна и ещё 22 человека оценили ваш пост', 'Анна and 22 others liked your post'],
])('names %i others', (othersCount, ru, en) => {
  const context = { actor: 'Анна', othersCount, data: DATA.post_liked };
  expect([render('post_liked', 'ru', context).body, render('post_liked', 'en', context).body]).toEqual([
    ru,
    en,
  ]);
});

it('gives the hour in local time, and the reason', () => {
  const body = (data: NotificationData['booking_cancelled'], locale = 'ru') =>
    render('booking_cancelled', locale, { actor: 'Анна', othersCount: 0, data }).body;
  const cancelled = { ...DATA.booking_cancelled, outcome: 'cancelled', reason: 'Заболела' } as const;
  expect(body(cancelled)).toBe('Анна отменяет запись на 10 января в 14:00: Заболела');
  expect(body({ ...cancelled, timezone: 'Asia/Vladivostok' }, 'en')).toContain('10 January at 21:00');
  expect(body({ ...cancelled, timezone: 'Nowhere/Atall' })).toContain('11:00 UTC');
  expect(body({ ...cancelled, outcome: 'expired', reason: null })).toBe(
    'Заявка на 10 января в 14:00 осталась без ответа',
  );
});

it('makes one clock of a time zone, however its name was stored', () => {
  const made = jest.spyOn(Intl, 'DateTimeFormat');
  const name = 'Pacific/Auckland';
  const bodies = [name, name.toLowerCase(), name.toUpperCase()].map((timezone) => {
    const context = { actor: 'Анна', othersCount: 0, data: { ...booking, timezone } };
    return render('booking_request', 'ru', context).body;
  });
  expect(new Set(bodies).size).toBe(1);
  expect(made.mock.calls.map(([, options]) => options?.timeZone)).toEqual([name]);
});

it('names no actor where none is given, and an announcement by its own title', () => {
  const context = { actor: null, othersCount: 0 };
  const cancelled = { ...DATA.booking_cancelled, outcome: 'cancelled' as const };
  const body = (locale: string) => render('booking_cancelled', locale, { ...context, data: cancelled }).body;
  expect([body('ru'), body('en')]).toEqual([
    'Запись на 10 января в 14:00 отменена',
    'The booking on 10 January at 14:00 is cancelled',
  ]);
  for (const outcome of ['declined', 'no_show'] as const)
    for (const locale of ['ru', 'en'])
      expect(
        render('booking_cancelled', locale, { ...context, data: { ...cancelled, outcome } }).body,
      ).not.toMatch(/Кто-то|Somebody/);
  const announced = { ...context, actor: 'Анна', data: { ...DATA.mention, announcement: true as const } };
  expect(render('mention', 'ru', announced)).toEqual({
    title: 'Объявление',
    body: 'Откройте, чтобы прочитать новое объявление',
  });
});

it('only types of one post are grouped, and only types with a time of their own are not delayed', () => {
  const those = (is: 'grouped' | 'waits') =>
    NOTIFICATION_TYPES.filter((type) => NOTIFICATION_RULES[type][is]);
  expect(those('grouped')).toEqual(['post_liked', 'post_commented', 'post_reposted']);
  expect(NOTIFICATION_TYPES.filter((type) => !those('waits').includes(type))).toEqual([
    'booking_request',
    'booking_confirmed',
    'booking_cancelled',
    'auto_booking_proposal',
  ]);
});

describe('for any name, service or reason, the sentence', () => {
  const characters = fc.oneof(
    fc.constantFrom(
      ...'\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069\u200F\u2028\n\r\t\u0007\u001B\u0085',
    ),
    fc.constantFrom('א', 'ب', 'А', 'a', ' ', '\u0301', '\u0336', '\u200B'),
    fc.integer({ min: 1, max: 0xd7ff }).map((code) => String.fromCodePoint(code)),
  );
  const words = fc.array(characters, { maxLength: 12 }).map((all) => all.join(''));
  const bodies = (name: string) =>
    NOTIFICATION_TYPES.flatMap((type) =>
      ['ru', 'en'].map((locale) => {
        const data = { ...DATA[type], service_name: name, reason: name };
        return render(type, locale, { actor: name, othersCount: 1, data }).body;
      }),
    );

  it('stays on one line, and closes every direction that it opens', () => {
    fc.assert(
      fc.property(words, (name) => {
        const wrong = bodies(name).filter(
          (body) =>
            /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066\u2067]|[\u0300-\u036F]{5}/u.test(body) ||
            /[\u2068\u2069]/.test(body.replace(/\u2068[^\u2068\u2069]*\u2069/g, '')),
        );
        expect(wrong).toEqual([]);
      }),
    );
  });

  it('isolates right-to-left text', () => {
    const context = { othersCount: 0, data: DATA.post_liked };
    expect(render('post_liked', 'ru', { ...context, actor: 'דוד' }).body).toBe(
      '\u2068דוד\u2069 оценил(а) ваш пост',
    );
    expect(render('post_liked', 'en', { ...context, actor: 'علي\u202E' }).body).toBe(
      '\u2068علي\u2069 liked your post',
    );
  });

  it('names “Somebody” for an invisible name', () => {
    expect(render('post_liked', 'en', { othersCount: 0, data: DATA.post_liked, actor: '\u200B' }).body).toBe(
      'Somebody liked your post',
    );
  });
});
