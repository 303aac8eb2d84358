import { CreateDemoAccounts } from '#identity';
import { TestApp } from '#testing';
import { CommandBus } from '@nestjs/cqrs';

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
  await app.app.get(CommandBus).execute(new CreateDemoAccounts(false));
});
afterAll(() => app.stop());

async function signIn(path: string, headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify({ email: 'admin@example.com', password: 'demo-password' });
  const all = { 'content-type': 'application/json', ...headers };
  return (await fetch(app.url + path, { method: 'POST', headers: all, body })).status;
}

describe.each(['/api/v2/auth/login', '/auth/login'])('the demo password at %s', (path) => {
  it.each<[string, Record<string, string>]>([
    ['a program', {}],
    ['the documents that the server serves', { origin: 'http://127.0.0.1:3000' }],
    ['a page of this machine', { origin: 'http://localhost:5173' }],
  ])('signs in %s', async (_, headers) => {
    expect(await signIn(path, headers)).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['a client of a proxy', { 'x-forwarded-for': '203.0.113.7' }],
  ])('does not sign in %s', async (_, headers) => {
    expect(await signIn(path, headers)).toBe(401);
  });
});
