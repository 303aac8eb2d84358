import { isVisible, type NotificationData, type NotificationKind } from '#contracts';
import { about, at, inSentence, people, theirs, type TextContext } from './text-fragments.js';

type Locale = 'ru' | 'en';

interface Text {
  title: string;
  body: string;
}

interface NotificationRule<T extends NotificationKind> {
  /** Notifications about one post are grouped into one while it is unread. */
  grouped: boolean;
  /** Quiet hours delay its live event. False for types that are bound to a time. */
  waits: boolean;
  texts: {
    [L in Locale]: {
      title: string | ((data: NotificationData[T]) => string);
      body(context: TextContext<NotificationData[T]>): string;
    };
  };
}

/** Everything about each type except its data: a type without an entry does not compile. */
export const NOTIFICATION_RULES: { [T in NotificationKind]: NotificationRule<T> } = {
  booking_request: {
    grouped: false,
    waits: false,
    texts: {
      ru: { title: 'Новая заявка на запись', body: (t) => `${t.actor}: ${about(t)} ${at(t)}` },
      en: { title: 'New booking request', body: (t) => `${t.actor}: ${about(t)} on ${at(t)}` },
    },
  },
  booking_confirmed: {
    grouped: false,
    waits: false,
    texts: {
      ru: {
        title: ({ outcome }) =>
          ({
            confirmed: 'Запись подтверждена',
            reminder: 'Напоминание о записи',
            disputed: 'Неявка оспорена',
          })[outcome ?? 'confirmed'],
        body: (t) =>
          ({
            confirmed: `Мастер ${t.actor} подтверждает вашу запись на ${at(t)}`,
            reminder: `${about(t)} ${at(t)}`,
            disputed: t.isNamed
              ? `${t.actor} не согласен(на), что визит ${at(t)} не состоялся`
              : `По словам клиента, визит ${at(t)} состоялся`,
          })[t.data.outcome ?? 'confirmed'],
      },
      en: {
        title: ({ outcome }) =>
          ({ confirmed: 'Booking confirmed', reminder: 'Booking reminder', disputed: 'No-show disputed' })[
            outcome ?? 'confirmed'
          ],
        body: (t) =>
          ({
            confirmed: `${t.actor} has confirmed your booking on ${at(t)}`,
            reminder: `${about(t)} on ${at(t)}`,
            disputed: `${t.isNamed ? t.actor : 'The client'} says that the visit on ${at(t)} took place`,
          })[t.data.outcome ?? 'confirmed'],
      },
    },
  },
  booking_cancelled: {
    grouped: false,
    waits: false,
    texts: {
      ru: {
        title: 'Запись отменена',
        body: (t) =>
          ({
            cancelled: t.isNamed ? `${t.actor} отменяет запись на ${at(t)}` : `Запись на ${at(t)} отменена`,
            declined: t.isNamed
              ? `Мастер ${t.actor} не может принять вас ${at(t)}`
              : `Запись на ${at(t)} отменена`,
            expired: `Заявка на ${at(t)} осталась без ответа`,
            unavailable: `Запись на ${at(t)} отменена: вторая сторона больше недоступна`,
            no_show: `Мастер ${t.isNamed ? `${t.actor} ` : ''}отмечает, что вы не пришли ${at(t)}`,
          })[t.data.outcome] + theirs(t.data.reason),
      },
      en: {
        title: 'Booking cancelled',
        body: (t) =>
          ({
            cancelled: t.isNamed
              ? `${t.actor} has cancelled the booking on ${at(t)}`
              : `The booking on ${at(t)} is cancelled`,
            declined: t.isNamed
              ? `${t.actor} cannot take you on ${at(t)}`
              : `The booking on ${at(t)} is cancelled`,
            expired: `The request for ${at(t)} was not answered`,
            unavailable: `The booking on ${at(t)} is off: the other side is no longer available`,
            no_show: `${t.isNamed ? t.actor : 'The master'} says that you did not come on ${at(t)}`,
          })[t.data.outcome] + theirs(t.data.reason),
      },
    },
  },
  friend_request: {
    grouped: false,
    waits: true,
    texts: {
      ru: { title: 'Запрос в друзья', body: (t) => `${t.actor} хочет добавить вас в друзья` },
      en: { title: 'Friend request', body: (t) => `${t.actor} would like to be your friend` },
    },
  },
  friend_accepted: {
    grouped: false,
    waits: true,
    texts: {
      ru: { title: 'Запрос принят', body: (t) => `${t.actor} теперь у вас в друзьях` },
      en: { title: 'Request accepted', body: (t) => `${t.actor} is now your friend` },
    },
  },
  post_liked: {
    grouped: true,
    waits: true,
    texts: {
      ru: { title: 'Новый лайк', body: (t) => `${people(t, 'оценил(а)', 'оценили')} ваш пост` },
      en: { title: 'New like', body: (t) => `${people(t)} liked your post` },
    },
  },
  post_commented: {
    grouped: true,
    waits: true,
    texts: {
      ru: {
        title: 'Новый комментарий',
        body: (t) => `${people(t, 'прокомментировал(а)', 'прокомментировали')} ваш пост`,
      },
      en: { title: 'New comment', body: (t) => `${people(t)} commented on your post` },
    },
  },
  post_reposted: {
    grouped: true,
    waits: true,
    texts: {
      ru: { title: 'Новый репост', body: (t) => `${people(t, 'сделал(а)', 'сделали')} репост вашего поста` },
      en: { title: 'New repost', body: (t) => `${people(t)} reposted your post` },
    },
  },
  mention: {
    grouped: false,
    waits: true,
    texts: {
      ru: {
        title: (data) => (data.announcement ? 'Объявление' : 'Вас упомянули'),
        body: (t) =>
          t.data.announcement
            ? 'Откройте, чтобы прочитать новое объявление'
            : `${t.actor} упоминает вас в ${t.data.comment_id ? 'комментарии' : 'посте'}`,
      },
      en: {
        title: (data) => (data.announcement ? 'Announcement' : 'You were mentioned'),
        body: (t) =>
          t.data.announcement
            ? 'Open it to read the new announcement'
            : `${t.actor} mentioned you in a ${t.data.comment_id ? 'comment' : 'post'}`,
      },
    },
  },
  review_received: {
    grouped: false,
    waits: true,
    texts: {
      ru: { title: 'Новый отзыв', body: (t) => `${t.actor}: оценка ${t.data.rating} из 5` },
      en: { title: 'New review', body: (t) => `${t.actor} rated your work ${t.data.rating} out of 5` },
    },
  },
  auto_booking_proposal: {
    grouped: false,
    waits: false,
    texts: {
      ru: { title: 'Пора записаться', body: (t) => `${t.actor}: ${about(t)}, свободно ${at(t)}` },
      en: { title: 'Time for your next visit', body: (t) => `${t.actor}: ${about(t)}, free on ${at(t)}` },
    },
  },
};

/** The texts of a notification in its recipient's language. */
export function render<T extends NotificationKind>(
  type: T,
  locale: string,
  context: { actor: string | null; othersCount: number; data: NotificationData[T] },
): Text {
  const spoken: Locale = locale === 'en' ? 'en' : 'ru';
  const { title, body } = NOTIFICATION_RULES[type].texts[spoken];
  const name = context.actor ?? '';
  const actor = isVisible(name) ? inSentence(name) : { ru: 'Кто-то', en: 'Somebody' }[spoken];
  return {
    title: typeof title === 'string' ? title : title(context.data),
    body: body({ ...context, actor, isNamed: context.actor !== null, locale: spoken }),
  };
}
