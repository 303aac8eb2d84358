import { AppError } from '#contracts';
import { ASSISTANT, type Metrics } from '#platform';
import { AnswerQueue } from './answer-queue.js';

const { atOnce: OF_ONE, waiting: WAITING } = ASSISTANT.answersOfOne.most;
const { atOnce: OF_ALL, waiting: ALL_WAITING } = ASSISTANT.answersOfAll.most;

const refuse = jest.fn();
let queue: AnswerQueue;
/** The answers that run, in their order: what ends each. */
let running: Map<string, () => void>;
beforeEach(() => {
  refuse.mockClear();
  queue = new AnswerQueue({ refuse } as unknown as Metrics);
  running = new Map();
});

let asked = 0;
/** Asks a question in a chat of a user. */
function ask(userId: string, chatId: string, signal = new AbortController().signal): string {
  const id = `${userId} ${chatId} ${asked++}`;
  const work = () => new Promise<void>((end) => running.set(id, end)).finally(() => running.delete(id));
  const question = { id, userId, chatId, content: '' };
  void queue.add(
    userId,
    () => Promise.resolve(question),
    () => queue.inPlace(userId, signal, work),
  );
  return id;
}
async function end(id: string): Promise<void> {
  running.get(id)!();
  await settled();
}
const settled = () => new Promise(setImmediate);
/** The answer to a question that cannot be stored. */
const codeOf = (userId: string) =>
  queue
    .add(userId, () => Promise.reject(new AppError('NOT_FOUND', 'no such chat')), jest.fn())
    .catch((error: AppError) => error.code);
const range = (length: number) => Array.from({ length }, (_, i) => i);

it('runs a few answers of a user at once, the others in their order', async () => {
  const ids = range(OF_ONE + 2).map((i) => ask('anna', `chat ${i}`));
  const another = ask('boris', 'his');
  await settled();
  expect([...running.keys()]).toEqual([...ids.slice(0, OF_ONE), another]);
  await end(ids[0]!);
  expect(running.has(ids[OF_ONE]!)).toBe(true);
  expect(running.size).toBe(OF_ONE + 1);
});

it('runs a bounded number of answers in all', async () => {
  const users = OF_ALL / OF_ONE;
  const ids = range(users).flatMap((i) => range(OF_ONE).map((j) => ask(`user ${i}`, `${i} ${j}`)));
  const late = ask('anna', 'hers');
  await settled();
  expect([...running.keys()]).toEqual(ids);
  await end(ids[0]!);
  expect(running.has(late)).toBe(true);
});

it('runs answers of one chat in their order, without places for those that wait', async () => {
  const first = ask('anna', 'chat');
  const [second] = range(OF_ONE * 2).map(() => ask('anna', 'chat'));
  const elsewhere = range(OF_ONE - 1).map((i) => ask('anna', `chat ${i}`));
  await settled();
  expect([...running.keys()]).toEqual([first, ...elsewhere]);
  await end(first);
  expect([...running.keys()]).toEqual([...elsewhere, second]);
});

it('ends an answer that waits for a place when its signal is aborted', async () => {
  const stop = new AbortController();
  const ids = range(OF_ONE).map((i) => ask('anna', `chat ${i}`));
  ask('anna', 'stopped', stop.signal);
  const next = ask('anna', 'stopped');
  await settled();
  stop.abort('stopped');
  await settled();
  await end(ids[0]!);
  expect([...running.keys()]).toEqual([...ids.slice(1), next]);
});

it('goes on after an answer that fails', async () => {
  const failed = { id: 'x', userId: 'anna', chatId: 'chat', content: '' };
  await queue.add(
    'anna',
    () => Promise.resolve(failed),
    () => Promise.reject(new Error('broken')),
  );
  const next = ask('anna', 'chat');
  await settled();
  expect([...running.keys()]).toEqual([next]);
  await end(next);
  await queue.drain();
});

it('has room for a bounded number of a user, in one chat or in many', async () => {
  const ids = range(OF_ONE + WAITING).map((i) => ask('anna', `chat ${i % 3}`));
  await settled();
  expect([await codeOf('anna'), await codeOf('boris')]).toEqual(['RATE_LIMIT', 'NOT_FOUND']);
  await end(ids[0]!);
  expect(await codeOf('anna')).toBe('NOT_FOUND');
  expect(refuse.mock.calls).toEqual([[ASSISTANT.answersOfOne]]);
});

it('counts questions of a user that are asked at once', async () => {
  const codes = await Promise.all(range(OF_ONE + WAITING + 1).map(() => codeOf('anna')));
  expect(codes.filter((code) => code === 'RATE_LIMIT')).toHaveLength(1);
  expect(await codeOf('anna')).toBe('NOT_FOUND');
});

it('has room for a bounded number in all', async () => {
  const ids = range(OF_ALL + ALL_WAITING).map((i) => ask(`user ${i}`, `chat ${i}`));
  await settled();
  expect(running.size).toBe(OF_ALL);
  expect(await codeOf('anna')).toBe('UNAVAILABLE');
  await end(ids[0]!);
  // A user who has more than is left waits for the others.
  expect([await codeOf('anna'), await codeOf('user 1')]).toEqual(['NOT_FOUND', 'UNAVAILABLE']);
  expect(refuse.mock.calls).toEqual([[ASSISTANT.answersOfAll], [ASSISTANT.answersOfAll]]);
});
