import { PrismaService, RateLimits } from '#platform';
import { Injectable } from '@nestjs/common';

/** How long an account is new, ms. Actions of a new account count twice. */
const NEW_MS = 24 * 3600_000;

/** Actions of a user that reach people who did not ask for them. */
type Reached =
  'group' | 'groupAdd' | 'friendRequest' | 'mention' | 'directChat' | 'post' | 'comment' | 'service';

/**
 * Daily limits on actions that reach strangers. Checked before a transaction, so a user over the limit takes no lock.
 */
@Injectable()
export class Reach {
  constructor(
    private readonly prisma: PrismaService,
    private readonly limits: RateLimits,
  ) {}

  /** @throws AppError RATE_LIMIT */
  async take(kind: Reached, userId: string, times = 1): Promise<void> {
    if (times === 0) return;
    const { createdAt } = await this.prisma.user.findUniqueOrThrow({
      where: { id: userId },
      select: { createdAt: true },
    });
    const weight = createdAt.getTime() > Date.now() - NEW_MS ? 2 : 1;
    await this.limits.take(kind, userId, times * weight);
  }
}
