import { createTestDatabase } from '#testing';
import { loadConfig, logger, PlatformModule, PrismaService } from '#platform';
import { EventPublisher } from '#realtime';
import { CommandBus, CqrsModule, QueryBus } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import { Authenticator } from './sessions/authenticator.js';
import { Register } from './commands/register.command.js';
import { IdentityModule } from './identity.module.js';

export const KEY = 'test-secret-test-secret-test-secret';
export const PASSWORD = 'correct horse battery';
export const device = { device: 'Pixel 9', userAgent: 'Dart/3', ip: '192.0.2.1' };

/** Starts the identity lib alone, with its own database. Sign-in limits are off unless `env` sets them. */
export async function startIdentity(env: Record<string, string> = {}) {
  logger.level = 'silent';
  const database = await createTestDatabase();
  const config = loadConfig({
    DATABASE_URL: database.url,
    JWT_SECRET: KEY,
    SIGN_IN_RATE: '1000',
    REGISTRATION_RATE: '1000',
    SEARCH_RATE: '1000',
    ...env,
  });
  const module = await Test.createTestingModule({
    imports: [PlatformModule.forRoot(config), CqrsModule.forRoot(), IdentityModule],
  }).compile();
  await module.init();
  const signedOut: Parameters<EventPublisher['signOut']>[] = [];
  module.get(EventPublisher).signOut = (...args) => void signedOut.push(args);
  const commands = module.get(CommandBus);
  const authenticator = module.get(Authenticator);
  return {
    databaseUrl: database.url,
    commands,
    queries: module.get(QueryBus),
    prisma: module.get(PrismaService),
    authenticator,
    authenticate: async (token: string) => authenticator.stillSignedIn(authenticator.verify(token)),
    /** The users whose sockets were notified and closed. */
    signedOut,
    register: (name = 'Somebody', email = `${randomUUID()}@example.com`) =>
      commands.execute(new Register({ email, name, password: PASSWORD }, device)),
    async stop() {
      await module.close();
      await database.drop();
    },
  };
}

export type Identity = Awaited<ReturnType<typeof startIdentity>>;

/** The code of the AppError that the promise rejects with. A promise that fulfills fails the test. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error & { code?: string }) => error.code ?? error.message,
  );
