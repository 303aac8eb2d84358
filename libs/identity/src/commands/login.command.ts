import { AppError, type LoginBody } from '#contracts';
import { PrismaService, type Session } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountBanned } from '../access-token.js';
import { Applicants } from '../applicants.js';
import { Passwords } from '../passwords.js';
import { Sessions, type Device, type SignInAnswer } from '../sessions.js';

/**
 * Opens a session (contract, `POST auth/login`).
 * Errors: UNAUTHORIZED, which does not tell whether the account exists; RATE_LIMIT, UNAVAILABLE.
 */
export class Login extends Command<SignInAnswer> {
  constructor(
    readonly credentials: Pick<LoginBody, 'email' | 'password'>,
    readonly device: Device,
    /** For clients that know no refresh: the access token lives as long as its session. */
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
  ) {}

  async execute({ credentials, device, forWholeSession }: Login): Promise<SignInAnswer> {
    const { email, password } = credentials;
    const { passwordHash, ...applicant } = await this.applicants.attempt(email, device);
    const matches = await this.passwords.verify(passwordHash, password, applicant);
    const user = matches && (await this.prisma.user.findUnique({ where: { email } }));
    // A password that was changed meanwhile does not open a session.
    if (!user || user.passwordHash !== passwordHash)
      throw new AppError('UNAUTHORIZED', 'Wrong e-mail or password', { reason: 'wrong_credentials' });
    await this.applicants.succeeded(email, applicant);
    const session = await this.open(user.id, device);
    const tokenUntil = forWholeSession ? session.expiresAt : undefined;
    return this.sessions.answer(user, session.id, session.refreshGeneration, tokenUntil);
  }

  /** Under the lock of the user's row: a ban at the same moment finds the session and ends it, or is found here. */
  private open(userId: string, device: Device): Promise<Session> {
    return this.prisma.$transaction(async (tx) => {
      const allowed = await tx.$queryRaw<object[]>`
        SELECT FROM users WHERE id = ${userId}::uuid AND banned_at IS NULL FOR SHARE`;
      // Only to who knows the password.
      if (allowed.length === 0) throw accountBanned();
      return tx.session.create({ data: { ...this.sessions.open(device), userId } });
    });
  }
}
