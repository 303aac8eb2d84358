export {
  ACCESS_TOKEN,
  accountBanned,
  invalidToken,
  refusedToken,
  signingKey,
} from './sessions/access-token.js';
export { toAccount, type Account } from './accounts/account.js';
export { lockForAdmin, revokeSessions } from './moderation/admin-steps.js';
export { audit } from './moderation/audit.js';
export { Authenticator, type Claims, type Connected, type SignedIn } from './sessions/authenticator.js';
export { Blocks, lockBookings, notBlocked, notBlockedWith } from './blocks/blocks.js';
export { CreateDemoAccounts, type DemoAccount } from './commands/create-demo-accounts.command.js';
export { Login } from './commands/login.command.js';
export { PurgeSessions } from './commands/purge-sessions.command.js';
export { RefreshTokens } from './commands/refresh-tokens.command.js';
export { Register } from './commands/register.command.js';
export { RevokeSession } from './commands/revoke-session.command.js';
export { RevokeSessions } from './commands/revoke-sessions.command.js';
export { SetRole } from './commands/set-role.command.js';
export { UpdateMe } from './commands/update-me.command.js';
export { IdentityModule } from './identity.module.js';
export { Pairs, inEitherOrder, pairKey } from './blocks/pairs.js';
export { Passwords } from './sessions/passwords.js';
export { noSuchUser, requirePresent } from './accounts/present.js';
export { Reach } from './blocks/reach.js';
export {
  PERSON_COLUMNS,
  toPerson,
  toProfile,
  type Profile,
  type ProfileColumns,
} from './accounts/profile.js';
export { GetAccount } from './queries/get-account.query.js';
export { GetMe } from './queries/get-me.query.js';
export { GetUser } from './queries/get-user.query.js';
export { ListAccounts } from './queries/list-accounts.query.js';
export { ListAudit } from './queries/list-audit.query.js';
export { ListSessions } from './queries/list-sessions.query.js';
export { ListUsers } from './queries/list-users.query.js';
export type { Device, SignInAnswer } from './sessions/sessions.js';
export { NAMELESS, asSeen, hiddenFrom, type Hidden } from './blocks/hidden-people.js';
