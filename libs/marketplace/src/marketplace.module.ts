import { IdentityModule } from '#identity';
import { Module } from '@nestjs/common';

/** Services, availability, bookings, reviews, rebooking. */
@Module({ imports: [IdentityModule], providers: [] })
export class MarketplaceModule {}
