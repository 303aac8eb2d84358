import { ASSISTANT, Batcher, Metrics, PrismaService } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';

interface Token {
  messageId: string;
  index: number;
  text: string;
}

/** How long tokens are collected before they are stored, ms: a crash loses at most these. */
const GATHER_MS = 100;

/** Stores growing answers: the tokens of all answers in one statement. */
@Injectable()
export class AnswerLog implements OnModuleDestroy {
  private readonly batcher = new Batcher<Token, void>((tokens) => this.store(tokens), {
    maxBatch: 10_000,
    maxQueued: ASSISTANT.storedTokens.most,
    onRefused: () => this.metrics.refuse(ASSISTANT.storedTokens),
    intervalMs: GATHER_MS,
  });

  constructor(
    private readonly prisma: PrismaService,
    private readonly metrics: Metrics,
  ) {}

  add(token: Token): Promise<void> {
    return this.batcher.add(token);
  }

  async onModuleDestroy(): Promise<void> {
    await this.batcher.drain();
  }

  private async store(tokens: Token[]): Promise<void[]> {
    // An answer that has ended meanwhile, or was deleted with its chat, has no log any more: ending an answer and
    // adding to its log wait for each other.
    await this.prisma.$executeRaw`
      INSERT INTO assistant_tokens (message_id, index, text)
      SELECT t.message_id, t.index, t.text
      FROM unnest(${tokens.map((t) => t.messageId)}::uuid[], ${tokens.map((t) => t.index)}::int[],
        ${tokens.map((t) => t.text)}::text[]) AS t(message_id, index, text)
      JOIN assistant_messages m ON m.id = t.message_id AND m.status = 'streaming' FOR SHARE OF m`;
    return tokens.map(() => undefined);
  }
}
