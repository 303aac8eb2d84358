import type { MessageKind } from '#contracts';

interface Sample {
  content: string;
  metadata?: Record<string, unknown>;
}

/** The client payloads of the specification, by type; `id` is where it writes "uuid". */
export const specifiedMessages = (id: string) =>
  ({
    text: { content: 'Hello, how are you?' },
    photo: {
      content: 'https://storage.service.com/photos/123.jpg',
      metadata: {
        width: 1080,
        height: 1920,
        thumbnail: 'https://storage.service.com/photos/123_thumb.jpg',
      },
    },
    video: {
      content: 'https://storage.service.com/videos/456.mp4',
      metadata: { duration: 30, thumbnail: 'https://storage.service.com/videos/456_thumb.jpg' },
    },
    voice: { content: 'https://storage.service.com/voice/789.m4a', metadata: { duration: 15 } },
    location: {
      content: '55.7558,37.6173',
      metadata: { lat: 55.7558, lng: 37.6173, address: 'Красная площадь, Москва' },
    },
    profile_share: {
      content: id,
      metadata: {
        name: 'Анна Иванова',
        avatar: 'https://storage.service.com/avatars/user.jpg',
        is_master: true,
      },
    },
    post_share: {
      content: id,
      metadata: { author_name: 'Мария', media_url: 'https://storage.service.com/posts/post.jpg' },
    },
    booking_proposal: {
      content: 'Хотите записаться на маникюр?',
      metadata: { service_id: id, service_name: 'Маникюр', price: 2000, duration: 60 },
    },
  }) satisfies Record<MessageKind, Sample>;
