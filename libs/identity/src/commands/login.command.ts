import { AppError, type LoginBody } from '#contracts';
import { PrismaService, RateLimits } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { isPassword } from '../passwords.js';
import { Sessions, type Device, type SignInAnswer } from '../sessions.js';

/**
 * Opens a session (contract, `POST auth/login`).
 * Errors: UNAUTHORIZED, which does not tell whether the account exists; RATE_LIMIT.
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
    private readonly limits: RateLimits,
    private readonly sessions: Sessions,
  ) {}

  async execute({ credentials, device, forWholeSession }: Login): Promise<SignInAnswer> {
    const { email, password } = credentials;
    await this.limits.take('signIn', `${device.ip}:${email}`);
    const user = await this.prisma.user.findUnique({ where: { email } });
    const matches = await isPassword(user?.passwordHash, password);
    if (!user || !matches) throw new AppError('UNAUTHORIZED', 'Wrong e-mail or password');
    // Only to who knows the password.
    if (user.bannedAt) throw new AppError('UNAUTHORIZED', 'This account is banned');
    const session = await this.prisma.session.create({
      data: { ...this.sessions.open(device), userId: user.id },
    });
    const tokenUntil = forWholeSession ? session.expiresAt : undefined;
    return this.sessions.answer(user, session.id, session.refreshGeneration, tokenUntil);
  }
}
