import { AppError, PageQuery, QueuesPage } from '#contracts';
import { audit, type SignedIn } from '#identity';
import { PrismaService, Queues, decodeCursor, encodeCursor } from '#platform';
import { Controller, Get, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';

const REASON = 500;
/** Our ids consist of UUIDs; those of the scheduler contain colons. */
const JOB_ID = /^[\w:.-]{1,100}$/;

/** The queues as shown to admins: waiting jobs and dead letters. */
@ApiTags('admin')
@UseGuards(AdminGuard)
@Controller('admin/queues')
export class QueuesController {
  constructor(
    private readonly queues: Queues,
    private readonly prisma: PrismaService,
  ) {}

  @Get()
  @Answers(
    'Number of jobs by state, and the dead letters, latest first',
    { type: QueuesPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
  )
  async list(@Query() { limit, cursor }: PageQuery): Promise<QueuesPage> {
    const [start = 0] = decodeCursor(cursor, 'number');
    if (start > 1_000_000) throw AppError.invalid('cursor', 'is invalid');
    const [{ waiting, prioritized, ...counts }, failed, outbox] = await Promise.all([
      this.queues.counts(),
      this.queues.failed(start, start + limit + 1),
      this.prisma.outboxJob.count({ where: { dueAt: { lte: new Date() } } }),
    ]);
    return {
      counts: { outbox, waiting: waiting + prioritized, ...counts },
      items: failed.slice(0, limit).map(({ id, name, attempts, reason, createdAt, failedAt }) => ({
        id,
        name,
        reason: reason.slice(0, REASON),
        attempts,
        created_at: createdAt.toISOString(),
        failed_at: failedAt.toISOString(),
      })),
      next_cursor: failed.length > limit ? encodeCursor([start + limit]) : null,
    };
  }

  @Post('failed/:id/retry')
  @Answers('Retry a failed job', {}, 'UNAUTHORIZED', 'FORBIDDEN', 'NOT_FOUND')
  async retry(@SignedInUser() { userId }: SignedIn, @Param('id') id: string): Promise<void> {
    if (!JOB_ID.test(id)) throw new AppError('NOT_FOUND', 'No such failed job');
    await this.queues.retry(id);
    // After the retry, since the queue has its own transactions.
    await audit(this.prisma, userId, 'job_retried', id);
  }
}
