import { AppError, type BookingDto } from '#contracts';
import { Bookings, Reservations } from '#marketplace';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

/**
 * Turns a master's proposal in a chat into a booking request, at a time that the client chooses. The message shows the
 * booking to both (`POST chats/:id/messages/:message_id/accept`).
 * @throws AppError FORBIDDEN (for one's own proposal, or another chat), NOT_FOUND, CONFLICT (when it was accepted and
 *   the booking is live, the service has changed, or the time is taken), INVALID_DATA (when it is no proposal or a
 *   forwarded one, or `starts_at` is not a future slot)
 */
export class AcceptProposal extends Command<BookingDto> {
  constructor(
    readonly userId: string,
    readonly chatId: string,
    readonly messageId: string,
    readonly startsAt: Date,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(AcceptProposal)
export class AcceptProposalHandler implements ICommandHandler<AcceptProposal> {
  constructor(
    private readonly changes: MessageChanges,
    private readonly reservations: Reservations,
    private readonly bookings: Bookings,
  ) {}

  async execute({ userId, chatId, messageId, startsAt, now }: AcceptProposal): Promise<BookingDto> {
    const { metadata } = await this.changes.change(
      { messageId, chatId },
      userId,
      'chat:message:edited',
      async (message, tx) => {
        if (message.type !== 'booking_proposal') throw AppError.invalid('message_id', 'is not a proposal');
        // A forwarded proposal is no offer: its recipient got the original.
        if (message.forwarded_from) throw AppError.invalid('message_id', 'is a forwarded proposal');
        if (message.sender_id === userId)
          throw new AppError('FORBIDDEN', 'You cannot accept your own proposal');
        const { price, duration, booking_id: accepted } = message.metadata;
        if (accepted !== undefined && !(await this.bookings.hasFallenThrough(tx, accepted as string)))
          throw new AppError('CONFLICT', 'This proposal is already accepted', { reason: 'wrong_state' });
        const booking_id = await this.reservations.makeIn(tx, {
          clientId: userId,
          serviceId: String(message.metadata.service_id),
          startsAt,
          now,
          offered: { price, duration },
        });
        const acceptance = { booking_id, accepted_by: userId, starts_at: startsAt.toISOString() };
        return { metadata: { ...message.metadata, ...acceptance } };
      },
    );
    return this.bookings.announce((metadata as { booking_id: string }).booking_id, userId);
  }
}
