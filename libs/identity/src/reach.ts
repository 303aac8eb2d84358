import { PrismaService, RateLimits } from '#platform';
import { Injectable } from '@nestjs/common';

/** How long an account is new, ms. What it sends counts twice. */
const NEW_MS = 24 * 3600_000;

/** What a user sends to people who have not asked for it. */
export type Reached =
  'group' | 'groupAdd' | 'friendRequest' | 'mention' | 'directChat' | 'post' | 'comment' | 'service';

/** Limits of a day for what reaches strangers. They are asked before a transaction: who is over one waits for no lock, and holds none. */
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
