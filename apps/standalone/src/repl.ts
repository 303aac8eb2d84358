import * as admin from '#admin';
import * as assistant from '#assistant';
import * as chat from '#chat';
import { startEmbeddedPostgres, urlOfRunning } from '#embedded-postgres';
import * as identity from '#identity';
import * as marketplace from '#marketplace';
import * as notifications from '#notifications';
import { PlatformModule, PrismaService, logger, migrate, run, secretIn } from '#platform';
import * as presence from '#presence';
import * as social from '#social';
import { repl } from '@nestjs/core';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Module, type Type } from '@nestjs/common';
import { join } from 'node:path';

const LIBS = {
  ...identity,
  ...presence,
  ...notifications,
  ...social,
  ...marketplace,
  ...chat,
  ...assistant,
  ...admin,
};

/** The libs without their apps: no routes, no sockets, no background jobs. */
@Module({
  imports: [
    admin.AdminModule,
    assistant.AssistantModule,
    chat.ChatModule,
    identity.IdentityModule,
    marketplace.MarketplaceModule,
    notifications.NotificationsModule,
    presence.PresenceModule,
    social.SocialModule,
  ],
})
class LibsModule {}

/** npm run repl: a prompt on the database of DATABASE_URL, or on the embedded one, which another server may be using. */
await run(async (config) => {
  logger.level = 'warn';
  config.DATABASE_URL ??= urlOfRunning(config.DATA_DIR);
  if (!config.DATABASE_URL) {
    config.DATABASE_URL = (await startEmbeddedPostgres(config.DATA_DIR)).url;
    await migrate(config.DATABASE_URL);
  }
  config.JWT_SECRET ??= secretIn(join(config.DATA_DIR, 'jwt-secret'));
  const server = await repl({ module: LibsModule, imports: [PlatformModule.forRoot(config)] });
  const get = server.context.get as <T>(type: Type<T>) => T;
  const buses = { commands: get(CommandBus), queries: get(QueryBus), prisma: get(PrismaService) };
  for (const [name, value] of Object.entries({ ...LIBS, ...buses }))
    // Nest has defined the services.
    if (!(name in server.context)) server.context[name] = value;
  return { close: async () => server.close() };
});
