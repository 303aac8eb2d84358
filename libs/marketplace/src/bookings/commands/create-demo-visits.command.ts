import { DAY_MS, HOUR_MS, MINUTE_MS } from '#contracts';
import { PrismaService, newId } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

const TIMEZONE = 'Europe/Moscow';
const WEEKLY = [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({ weekday, from: '09:00', to: '20:00' }));

/**
 * Creates demo data in an empty database: two masters with a service each, a past visit that can be reviewed, and a
 * client whose haircut is due in two days. Does nothing when there are services.
 */
export class CreateDemoVisits extends Command<void> {
  constructor(
    readonly nailsMasterId: string,
    readonly hairMasterId: string,
    readonly clientId: string,
    readonly now = new Date(),
  ) {
    super();
  }
}

@CommandHandler(CreateDemoVisits)
export class CreateDemoVisitsHandler implements ICommandHandler<CreateDemoVisits> {
  constructor(private readonly prisma: PrismaService) {}

  async execute({ nailsMasterId, hairMasterId, clientId, now }: CreateDemoVisits): Promise<void> {
    if (await this.prisma.service.findFirst({ select: { id: true } })) return;
    const manicure = { id: newId(), masterId: nailsMasterId, name: 'Маникюр', price: 2000, duration: 60 };
    const haircut = { id: newId(), masterId: hairMasterId, name: 'Стрижка', price: 1500, duration: 60 };
    const visit = (service: typeof manicure, startsAt: number, status: 'completed' | 'confirmed') => ({
      id: newId(),
      serviceId: service.id,
      masterId: service.masterId,
      clientId,
      startsAt: new Date(startsAt),
      createdAt: new Date(startsAt - 2 * DAY_MS),
      endsAt: new Date(startsAt + service.duration * MINUTE_MS),
      status,
      serviceName: service.name,
      price: service.price,
      // The reminders of a past visit count as sent.
      remindedAt: 2,
    });
    // Noon in Moscow, every 28 days.
    const noon = Math.floor(now.getTime() / DAY_MS) * DAY_MS + 9 * HOUR_MS;
    const haircuts = [26, 54, 82].map((daysAgo) => visit(haircut, noon - daysAgo * DAY_MS, 'completed'));
    await this.prisma.$transaction([
      this.prisma.availability.createMany({
        data: [nailsMasterId, hairMasterId].map((masterId) => ({
          masterId,
          timezone: TIMEZONE,
          weekly: WEEKLY,
        })),
      }),
      this.prisma.service.createMany({ data: [manicure, haircut] }),
      this.prisma.booking.createMany({
        data: [...haircuts, visit(manicure, now.getTime() - 2 * HOUR_MS, 'confirmed')],
      }),
    ]);
  }
}
