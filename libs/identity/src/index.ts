export { ACCESS_TOKEN, accountBanned, invalidToken, refusedToken, signingKey } from './access-token.js';
export { toAccount, type Account } from './account.js';
export { lockForAdmin, revokeSessions } from './admin-steps.js';
export { audit } from './audit.js';
export { Authenticator, type Claims, type Connected, type SignedIn } from './authenticator.js';
export { Blocks, lockBookings, notBlocked, notBlockedWith } from './blocks.js';
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
export { Pairs } from './pairs.js';
export { Passwords } from './passwords.js';
export { noSuchUser, requirePresent } from './present.js';
export { Reach } from './reach.js';
export {
  PERSON_COLUMNS,
  PROFILE_COLUMNS,
  toMe,
  toPerson,
  toProfile,
  type Me,
  type Profile,
  type ProfileColumns,
} from './profile.js';
export { FindAccount } from './queries/find-account.query.js';
export { FindMe } from './queries/find-me.query.js';
export { FindUser } from './queries/find-user.query.js';
export { ListAccounts } from './queries/list-accounts.query.js';
export { ListAudit } from './queries/list-audit.query.js';
export { ListSessions } from './queries/list-sessions.query.js';
export { ListUsers } from './queries/list-users.query.js';
export type { Device, SignInAnswer } from './sessions.js';
export { NAMELESS, asSeen, hiddenFrom, type Hidden, type HiddenPerson } from './hidden-people.js';
