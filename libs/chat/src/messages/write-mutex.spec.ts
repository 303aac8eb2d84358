import type { AppError } from '#contracts';
import type { Metrics } from '#platform';
import { WriteMutex } from './write-mutex.js';

/** The refusals that the metric has counted. */
const refused: object[] = [];
const metrics = {
  refuse: ({ refused: budget }: { refused: string }) => refused.push({ budget }),
} as unknown as Metrics;
beforeEach(() => {
  refused.length = 0;
});

interface Write {
  chat: string;
  text: string;
}

/** A mutex, the order of the writes through it, and a change that runs until the test ends it. */
function scene() {
  const mutex = new WriteMutex(metrics);
  const written: string[] = [];
  const write = (...batch: Write[]) =>
    mutex.write<Write, string>(
      batch,
      ({ chat }) => chat,
      (some) =>
        mutex.runExclusive(async () => {
          await new Promise(setImmediate);
          written.push(...some.map(({ text }) => text));
          return some.map(({ text }) => (text === 'bad' ? new Error('refused') : text));
        }),
    );
  let letGo!: () => void;
  const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
  const change = mutex.change('a', async () => {
    written.push('change begins');
    await isLetGo;
    written.push('change ends');
  });
  return { mutex, written, write, change, letGo };
}
const in_ = (chat: string, text: string): Write => ({ chat, text });

it('lets a batch leave out a chat that is being changed, and writes its messages after the change, in order', async () => {
  const { written, write, change, letGo } = scene();
  const [a1, b1] = await write(in_('a', 'a1'), in_('b', 'b1'));
  expect(await b1).toBe('b1');
  const [a2] = await write(in_('a', 'a2'));
  expect(written).toEqual(['change begins', 'b1']);
  letGo();
  await change;
  const [a3] = await write(in_('a', 'a3'));
  expect(await Promise.all([a1, a2, a3])).toEqual(['a1', 'a2', 'a3']);
  expect(written).toEqual(['change begins', 'b1', 'change ends', 'a1', 'a2', 'a3']);
});

it('makes a change wait for writes that an earlier change has delayed, so they wait for one change only', async () => {
  const { mutex, written, write, letGo } = scene();
  const first = write(in_('a', 'a1'));
  const second = mutex.change('a', async () => written.push('second change'));
  const third = write(in_('a', 'a2'), in_('b', 'b1'));
  void (await third);
  letGo();
  await second;
  await Promise.all([...(await first), ...(await third)]);
  expect(written).toEqual(['change begins', 'b1', 'change ends', 'a1', 'a2', 'second change']);
});

it('lets a thousand changes wait for a chat, and refuses more', async () => {
  const { mutex, change, letGo } = scene();
  const changes = Array.from({ length: 1000 }, (_, i) => mutex.change('a', async () => i));
  await expect(mutex.change('a', async () => 0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(refused).toEqual([{ budget: 'chat_changes' }]);
  letGo();
  await change;
  expect(await Promise.all(changes)).toHaveLength(1000);
});

it('rejects only the refused write, and goes on after a failed change', async () => {
  const { mutex, write, letGo } = scene();
  const results = await write(in_('a', 'bad'), in_('a', 'good'));
  letGo();
  await expect(results[0]).rejects.toThrow('refused');
  expect(await results[1]).toBe('good');
  await expect(mutex.change('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await (await write(in_('a', 'next')))[0]).toBe('next');
  expect(mutex.isPaused('a')).toBe(false);
});

it('lets a thousand writes wait for a change, and refuses more with a retry time', async () => {
  const { write, letGo } = scene();
  const waiting = await write(...Array.from({ length: 1000 }, (_, i) => in_('a', `a${i}`)));
  const [rejected, other] = await write(in_('a', 'too many'), in_('b', 'b1'));
  await expect(rejected).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    retryAfterMs: 1000,
  } satisfies Partial<AppError>);
  expect(await other).toBe('b1');
  expect(refused).toEqual([{ budget: 'held_chat' }]);
  letGo();
  for (const [i, result] of waiting.entries()) expect(await result).toBe(`a${i}`);
});
