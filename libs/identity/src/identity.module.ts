import { Module } from '@nestjs/common';
import { Authenticator } from './authenticator.js';
import { Blocks } from './blocks.js';
import { CreateDemoAccountsHandler } from './commands/create-demo-accounts.command.js';
import { LoginHandler } from './commands/login.command.js';
import { PurgeSessionsHandler } from './commands/purge-sessions.command.js';
import { RefreshTokensHandler } from './commands/refresh-tokens.command.js';
import { RegisterHandler } from './commands/register.command.js';
import { RevokeSessionHandler } from './commands/revoke-session.command.js';
import { UpdateMeHandler } from './commands/update-me.command.js';
import { FindMeHandler } from './queries/find-me.query.js';
import { FindUserHandler } from './queries/find-user.query.js';
import { ListSessionsHandler } from './queries/list-sessions.query.js';
import { ListUsersHandler } from './queries/list-users.query.js';
import { RefreshTokenSigner } from './refresh-token.js';
import { Sessions } from './sessions.js';

/** Users, sign-in, sessions and tokens. Needs PlatformModule and CqrsModule.forRoot() in the app. */
@Module({
  providers: [
    Authenticator,
    Blocks,
    RefreshTokenSigner,
    Sessions,
    CreateDemoAccountsHandler,
    FindMeHandler,
    FindUserHandler,
    ListSessionsHandler,
    ListUsersHandler,
    LoginHandler,
    PurgeSessionsHandler,
    RefreshTokensHandler,
    RegisterHandler,
    RevokeSessionHandler,
    UpdateMeHandler,
  ],
  exports: [Authenticator, Blocks],
})
export class IdentityModule {}
