import { AppError } from '#contracts';
import { logOf } from '#testing';
import { DependencyUnavailable, unavailable, within } from '../concurrency/time-limit.js';
import { toAppError } from './database-errors.js';

const loggedFor = (...errors: unknown[]) =>
  logOf('warn', () => {
    for (const error of errors) expect(toAppError(error)).toMatchObject({ code: 'UNAVAILABLE' });
    return Promise.resolve();
  });

it('logs an unavailable dependency once, with its cause', async () => {
  const noAnswer = await within(1, new Promise(() => {}), 'Redis has no time').catch(
    (error: unknown) => error,
  );
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const lines = await loggedFor(noAnswer, noAnswer, refused, refused, new DependencyUnavailable('read-only'));
  const msg = 'dependency unavailable';
  expect(lines).toMatchObject([
    { msg, err: 'Redis has no time' },
    { msg, err: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
    { msg, err: 'read-only' },
  ]);
});

it('does not log refusals of this process, such as those of budgets', async () => {
  const stopping = new AppError('UNAVAILABLE', 'The server is stopping');
  expect(await loggedFor(unavailable('The service is overloaded'), stopping)).toEqual([]);
});
