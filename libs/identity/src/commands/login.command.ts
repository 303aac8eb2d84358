import { AppError, type LoginBody } from '#contracts';
import { REACH, PrismaService, type Session } from '#platform';
import { EventPublisher } from '#realtime';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountBanned, sessionRevoked } from '../sessions/access-token.js';
import { Applicants } from '../sessions/applicants.js';
import { Passwords } from '../sessions/passwords.js';
import { Sessions, type Device, type SignInAnswer } from '../sessions/sessions.js';
import { arePublic } from './create-demo-accounts.command.js';

/**
 * Opens a session (`POST auth/login`).
 * @throws AppError UNAUTHORIZED (the same whether or not the account exists), RATE_LIMIT, UNAVAILABLE
 */
export class Login extends Command<SignInAnswer> {
  constructor(
    readonly credentials: Pick<LoginBody, 'email' | 'password'>,
    readonly device: Device,
    /** For older clients that do not refresh tokens: the access token lives as long as its session. */
    readonly forWholeSession = false,
  ) {
    super();
  }
}

@CommandHandler(Login)
export class LoginHandler implements ICommandHandler<Login> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly applicants: Applicants,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly publisher: EventPublisher,
  ) {}

  async execute({ credentials, device, forWholeSession }: Login): Promise<SignInAnswer> {
    const { email, password } = credentials;
    const { passwordHash, ...applicant } = await this.applicants.attempt(email, device);
    if (!device.isHere && arePublic(credentials))
      throw wrongCredentials('The demo password works only on the machine of the server');
    const matches = await this.passwords.verify(passwordHash, password, applicant);
    const user = matches && (await this.prisma.user.findUnique({ where: { email } }));
    // A password that has been changed meanwhile does not open a session.
    if (!user || user.passwordHash !== passwordHash) throw wrongCredentials('Wrong e-mail or password');
    await this.applicants.succeeded(email, applicant);
    const { session, ended } = await this.open(user.id, device);
    for (const { id } of ended) this.publisher.signOut({ sessionId: id }, sessionRevoked().toBody());
    const tokenUntil = forWholeSession ? session.expiresAt : undefined;
    return this.sessions.answer(user, session.id, session.refreshGeneration, tokenUntil);
  }

  /**
   * Locks the user's row: a concurrent sign-in counts this session, and a concurrent ban either ends it or is seen
   * here.
   */
  private open(userId: string, device: Device): Promise<{ session: Session; ended: { id: string }[] }> {
    return this.prisma.$transaction(async (tx) => {
      const allowed = await tx.$queryRaw<object[]>`
        SELECT FROM users WHERE id = ${userId}::uuid AND banned_at IS NULL FOR NO KEY UPDATE`;
      // Answered only when the password is correct.
      if (allowed.length === 0) throw accountBanned();
      // In the same lock order as connecting sessions.
      const ended = await tx.$queryRaw<{ id: string }[]>`
        WITH surplus AS MATERIALIZED (
          SELECT id FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE user_id = ${userId}::uuid AND revoked_at IS NULL AND expires_at > now()
            ORDER BY refreshed_at DESC OFFSET ${REACH.sessions.most - 1})
          ORDER BY id FOR UPDATE
        )
        UPDATE sessions SET revoked_at = now() FROM surplus WHERE sessions.id = surplus.id RETURNING sessions.id`;
      const session = await tx.session.create({ data: { ...this.sessions.open(device), userId } });
      return { session, ended };
    });
  }
}

const wrongCredentials = (message: string) =>
  new AppError('UNAUTHORIZED', message, { reason: 'wrong_credentials' });
