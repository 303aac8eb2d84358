import { AppError, type BookingDto } from '#contracts';
import { Bookings, Reservations } from '#marketplace';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { MessageChanges } from '../message-changes.js';

/**
 * Makes a master's proposal in a chat a booking request at a time of the client's choice; the message shows it to
 * both (contract, `POST chats/:id/messages/:message_id/accept`).
 * @throws AppError FORBIDDEN (one's own proposal, a foreign chat), NOT_FOUND, CONFLICT (accepted, and the booking
 *   stands; the service has changed since; or the time is taken), INVALID_DATA (no proposal, or a forwarded one; starts_at is no slot ahead)
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
        if (message.type !== 'booking_proposal') throw AppError.invalid('message_id', 'is no proposal');
        // Whoever forwarded it offers nothing, and to whom it was offered has the first one.
        if (message.forwarded_from) throw AppError.invalid('message_id', 'is a forwarded proposal');
        if (message.sender_id === userId) throw new AppError('FORBIDDEN', 'This is a proposal of your own');
        const { price, duration, booking_id: accepted } = message.metadata;
        if (accepted !== undefined && !(await this.bookings.hasFallenThrough(tx, accepted as string)))
          throw new AppError('CONFLICT', 'This proposal has been accepted', { reason: 'wrong_state' });
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
