import { AppError, type RegisterBody } from '#contracts';
import { isUniqueViolation, networkOf, newId, PrismaService, RateLimits } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { handleFrom, isHandleTaken, withRandomSuffix } from '../handle.js';
import { hashPassword } from '../passwords.js';
import { Sessions, type Device, type SignInAnswer } from '../sessions.js';

/**
 * Makes an account and signs it in (contract, `POST auth/register`).
 * Errors: CONFLICT when the e-mail is taken, RATE_LIMIT.
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
    private readonly sessions: Sessions,
  ) {}

  async execute({ account, device }: Register): Promise<SignInAnswer> {
    const { email, name, avatar } = account;
    await this.limits.take('signIn', `${networkOf(device.ip)}:${email}`);
    const passwordHash = await hashPassword(account.password);
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
        if (isUniqueViolation(error))
          throw new AppError('CONFLICT', 'This e-mail is taken', { reason: 'email_taken' });
        throw error;
      }
    }
  }
}
