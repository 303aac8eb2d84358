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
function ask(userId: string, chatId: string): string {
  const id = `${userId} ${chatId} ${asked++}`;
  const answer = () => new Promise<void>((end) => running.set(id, end));
  void queue.add({ id, userId, chatId, content: '' }, answer).finally(() => running.delete(id));
  return id;
}
async function end(id: string): Promise<void> {
  running.get(id)!();
  await settled();
}
const settled = () => new Promise(setImmediate);
const codeOf = (userId: string) => {
  try {
    queue.requireRoom(userId);
    return 'room';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
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

it('goes on after an answer that fails', async () => {
  const failed = queue.add({ id: 'x', userId: 'anna', chatId: 'chat', content: '' }, () =>
    Promise.reject(new Error('broken')),
  );
  const next = ask('anna', 'chat');
  await expect(failed).rejects.toThrow('broken');
  await settled();
  expect([...running.keys()]).toEqual([next]);
  await end(next);
  await queue.drain();
});

it('has room for a bounded number of a user, in one chat or in many', async () => {
  const ids = range(OF_ONE + WAITING).map((i) => {
    expect(codeOf('anna')).toBe('room');
    return ask('anna', `chat ${i % 3}`);
  });
  await settled();
  expect([codeOf('anna'), codeOf('boris')]).toEqual(['RATE_LIMIT', 'room']);
  await end(ids[0]!);
  expect(codeOf('anna')).toBe('room');
  expect(refuse.mock.calls).toEqual([[ASSISTANT.answersOfOne]]);
});

it('has room for a bounded number in all', async () => {
  const ids = range(OF_ALL + ALL_WAITING).map((i) => ask(`user ${i % 100}`, `chat ${i}`));
  await settled();
  expect(running.size).toBe(OF_ALL);
  expect(codeOf('anna')).toBe('UNAVAILABLE');
  await end(ids[0]!);
  // A user who has more than is left waits for the others.
  expect([codeOf('anna'), codeOf('user 1')]).toEqual(['room', 'UNAVAILABLE']);
  expect(refuse.mock.calls).toEqual([[ASSISTANT.answersOfAll], [ASSISTANT.answersOfAll]]);
});
