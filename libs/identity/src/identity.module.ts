import { LiveDeliveryModule } from '#realtime';
import { Module } from '@nestjs/common';
import { Applicants } from './sessions/applicants.js';
import { Authenticator } from './sessions/authenticator.js';
import { Blocks } from './blocks/blocks.js';
import { CreateDemoAccountsHandler } from './commands/create-demo-accounts.command.js';
import { LoginHandler } from './commands/login.command.js';
import { PurgeSessionsHandler } from './commands/purge-sessions.command.js';
import { RefreshTokensHandler } from './commands/refresh-tokens.command.js';
import { RegisterHandler } from './commands/register.command.js';
import { RevokeSessionHandler } from './commands/revoke-session.command.js';
import { RevokeSessionsHandler } from './commands/revoke-sessions.command.js';
import { SetRoleHandler } from './commands/set-role.command.js';
import { UpdateMeHandler } from './commands/update-me.command.js';
import { Pairs } from './blocks/pairs.js';
import { Passwords } from './sessions/passwords.js';
import { GetAccountHandler } from './queries/get-account.query.js';
import { GetMeHandler } from './queries/get-me.query.js';
import { GetUserHandler } from './queries/get-user.query.js';
import { ListAccountsHandler } from './queries/list-accounts.query.js';
import { ListAuditHandler } from './queries/list-audit.query.js';
import { ListSessionsHandler } from './queries/list-sessions.query.js';
import { ListUsersHandler } from './queries/list-users.query.js';
import { Reach } from './blocks/reach.js';
import { RefreshTokenSigner } from './sessions/refresh-token.js';
import { Sessions } from './sessions/sessions.js';

/** Users, sign-in, sessions and tokens. The app must import PlatformModule and CqrsModule.forRoot(). */
@Module({
  imports: [LiveDeliveryModule],
  providers: [
    Applicants,
    Authenticator,
    Blocks,
    Pairs,
    Passwords,
    Reach,
    RefreshTokenSigner,
    Sessions,
    CreateDemoAccountsHandler,
    GetAccountHandler,
    GetMeHandler,
    GetUserHandler,
    ListAccountsHandler,
    ListAuditHandler,
    ListSessionsHandler,
    ListUsersHandler,
    LoginHandler,
    PurgeSessionsHandler,
    RefreshTokensHandler,
    RegisterHandler,
    RevokeSessionHandler,
    RevokeSessionsHandler,
    SetRoleHandler,
    UpdateMeHandler,
  ],
  exports: [Authenticator, Blocks, Pairs, Reach],
})
export class IdentityModule {}
