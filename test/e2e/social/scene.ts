import { CommentDto, PostDto, type CommentPage, type LikeAnswer } from '#contracts';
import { contractErrors, promised, rememberPromises, TestApp, type Account, type Reply } from '#testing';
import type { ClassConstructor } from 'class-transformer';

export const outcome = <T>({ status, body }: Reply<T>) => [status, body.code];
export const checked = <T>({ body, status }: Reply<T>, type: ClassConstructor<object>, expected = 201): T => {
  expect([status, status === expected ? contractErrors(type, body) : body]).toEqual([expected, []]);
  return body;
};

/** One app for a whole test file, with three people. */
class SocialScene {
  app!: TestApp;
  anna!: Account;
  boris!: Account;
  vera!: Account;

  async start(): Promise<void> {
    this.app = await TestApp.start();
    await rememberPromises(this.app);
  }

  async meet(): Promise<void> {
    [this.anna, this.boris, this.vera] = await this.app.people('Анна', 'Борис', 'Вера');
  }

  post = async (author: Account, content = 'Привет', media_urls?: string[]) =>
    checked(await this.app.request<PostDto>('POST', 'posts', author.token, { content, media_urls }), PostDto);
  find = (reader: Account, id: string) => this.app.request<PostDto>('GET', `posts/${id}`, reader.token);
  like = (who: Account, id: string, method = 'PUT') =>
    this.app.request<LikeAnswer>(method, `posts/${id}/like`, who.token);
  comment = async (who: Account, id: string, content = 'Класс', parent_id?: string) =>
    checked(
      await this.app.request<CommentDto>('POST', `posts/${id}/comments`, who.token, { content, parent_id }),
      CommentDto,
    );
  comments = async (reader: Account, id: string, query = '') =>
    (await this.app.request<CommentPage>('GET', `posts/${id}/comments?${query}`, reader.token)).body;
  repost = (who: Account, id: string, body?: object) =>
    this.app.request<PostDto>('POST', `posts/${id}/repost`, who.token, body);
  received = (type: Parameters<typeof promised>[1]) => promised(this.app, type);
}

/** The three people stay for the file, or are new for each test. */
export function useSocial(people: 'for each test' | 'for all tests'): SocialScene {
  const scene = new SocialScene();
  beforeAll(() => scene.start());
  if (people === 'for each test') beforeEach(() => scene.meet());
  else beforeAll(() => scene.meet());
  afterAll(() => scene.app.stop());
  return scene;
}
