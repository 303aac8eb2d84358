import { CommentDto, PostDto, type CommentPage, type LikeAnswer } from '#contracts';
import { contractErrors, promised, type Account, type Reply } from '#testing';
import type { ClassConstructor } from 'class-transformer';
import { app } from './scene.js';

export const checked = <T>({ body, status }: Reply<T>, type: ClassConstructor<object>, expected = 201): T => {
  expect([status, status === expected ? contractErrors(type, body) : body]).toEqual([expected, []]);
  return body;
};
export const post = async (author: Account, content = 'Привет', media_urls?: string[]) =>
  checked(await app.request<PostDto>('POST', 'posts', author.token, { content, media_urls }), PostDto);
export const find = (reader: Account, id: string) => app.request<PostDto>('GET', `posts/${id}`, reader.token);
export const like = (who: Account, id: string, method = 'PUT') =>
  app.request<LikeAnswer>(method, `posts/${id}/like`, who.token);
export const comment = async (who: Account, id: string, content = 'Класс', parent_id?: string) =>
  checked(
    await app.request<CommentDto>('POST', `posts/${id}/comments`, who.token, { content, parent_id }),
    CommentDto,
  );
export const comments = async (reader: Account, id: string, query = '') =>
  (await app.request<CommentPage>('GET', `posts/${id}/comments?${query}`, reader.token)).body;
export const repost = (who: Account, id: string, body?: object) =>
  app.request<PostDto>('POST', `posts/${id}/repost`, who.token, body);
export const received = (type: Parameters<typeof promised>[1]) => promised(app, type);
