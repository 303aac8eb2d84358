import { GetTimezone } from '#marketplace';
import { GetPreferences } from '#notifications';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';

/** Finds the time zone for an answer. */
@Injectable()
export class Zones {
  constructor(private readonly queries: QueryBus) {}

  /**
   * The time zone of the user's quiet hours, otherwise of their own availability, otherwise of their last master; if
   * any.
   */
  async of(userId: string): Promise<string | undefined> {
    const { quiet_hours } = await this.queries.execute(new GetPreferences(userId));
    return quiet_hours?.timezone ?? (await this.queries.execute(new GetTimezone(userId)));
  }
}
