import { rememberPromises, TestApp, type Account, type Reply } from '#testing';

export let app: TestApp;
export let anna: Account;
export let boris: Account;
export let vera: Account;

/** Starts one app for a whole test file, with three people for the file or new ones for each test. */
export function setScene(people: 'for each test' | 'for all tests'): void {
  const meet = async () => {
    [anna, boris, vera] = await app.people('Анна', 'Борис', 'Вера');
  };
  beforeAll(async () => {
    app = await TestApp.start();
    await rememberPromises(app);
  });
  if (people === 'for each test') beforeEach(meet);
  else beforeAll(meet);
  afterAll(() => app.stop());
}

export const outcome = <T>({ status, body }: Reply<T>) => [status, body.code];
