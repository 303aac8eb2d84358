import { AppError, type RegisterBody } from '#contracts';
import { isUniqueViolation, networkOf, newId, PrismaService, RateLimits } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { handleFrom, isHandleTaken, withRandomSuffix } from '../accounts/handle.js';
import { requireGoodPassword } from '../sessions/password-rules.js';
import { Passwords } from '../sessions/passwords.js';
import { Sessions, type Device, type SignInAnswer } from '../sessions/sessions.js';

/**
 * Creates an account and signs it in (`POST auth/register`).
 * @throws AppError INVALID_DATA (weak password), CONFLICT (when the e-mail address is taken), RATE_LIMIT, UNAVAILABLE
 */
export class Register extends Command<SignInAnswer> {
  constructor(
    readonly account: RegisterBody,
    readonly device: Device,
  ) {
    super();
  }
}

@CommandHandler(Register)
export class RegisterHandler implements ICommandHandler<Register> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly limits: RateLimits,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
  ) {}

  async execute({ account, device }: Register): Promise<SignInAnswer> {
    const { email, name, avatar } = account;
    requireGoodPassword(account.password, email);
    const network = networkOf(device.ip);
    await this.limits.takeOf('registration', network);
    if (await this.prisma.user.findUnique({ where: { email }, select: { id: true } })) throw emailTaken();
    const { gone } = device;
    const passwordHash = await this.passwords.hash(account.password, { standing: 'stranger', network, gone });
    const wanted = handleFrom(name);
    for (let handle = wanted; ; handle = withRandomSuffix(wanted)) {
      const session = this.sessions.open(device);
      try {
        const user = await this.prisma.user.create({
          data: { id: newId(), email, passwordHash, name, handle, avatar, sessions: { create: session } },
        });
        return this.sessions.answer(user, session.id, 1);
      } catch (error) {
        if (isHandleTaken(error)) continue;
        throw isUniqueViolation(error) ? emailTaken() : error;
      }
    }
  }
}

const emailTaken = () => new AppError('CONFLICT', 'This e-mail is taken', { reason: 'email_taken' });
