import { GetTimezone } from '#marketplace';
import { GetPreferences } from '#notifications';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';

/** Whose clock the assistant speaks of. */
@Injectable()
export class Zones {
  constructor(private readonly queries: QueryBus) {}

  /** The time zone that a user has told of, or else that of the user's own week, or of the last master; if any. */
  async of(userId: string): Promise<string | undefined> {
    const { quiet_hours } = await this.queries.execute(new GetPreferences(userId));
    return quiet_hours?.timezone ?? (await this.queries.execute(new GetTimezone(userId)));
  }
}
