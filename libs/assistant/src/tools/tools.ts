import { AppError, BookingQuery, ServiceQuery, SlotQuery, UserQuery } from '#contracts';
import { ListUsers } from '#identity';
import { GetService, ListBookings, ListServices, ListSlots, ListTimezones } from '#marketplace';
import { toAppError, validated } from '#platform';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { IsUUID, isObject } from 'class-validator';
import type { ChatCompletionFunctionTool } from 'openai/resources/chat/completions';
import { nowIn, onClock, stretchOf } from './local-time.js';
import type { ToolCall } from '../model/tool-calls.js';
import { aboutBooking, aboutService, resultOf, timesOf, type ToolResult } from './tool-results.js';

/** Limit of list items in a tool result. */
const LIMIT = 10;
const SLOTS = 40;
/** The time zone of a master without availability. */
const NO_ZONE = 'UTC';
const MAX_MESSAGE = 500;

/** The user who asked. */
interface Asker {
  userId: string;
  timezone?: string;
}

class IdArgument {
  @IsUUID('all') service_id!: string;
}

const text = (description: string) => ({ type: 'string', description });

const tool = (
  name: string,
  description: string,
  properties: Record<string, object>,
  required: string[],
): ChatCompletionFunctionTool => ({
  type: 'function',
  function: { name, description, parameters: { type: 'object', properties, required } },
});

/** The tools of the model: read only, and always with the permissions of the asking user. */
@Injectable()
export class Tools {
  readonly definitions = [
    tool(
      'search_services',
      'Services on offer by part of their name, with price, minutes, master and the time zone of the master',
      { query: text('Part of the name') },
      ['query'],
    ),
    tool('search_masters', 'Masters by part of their name', { query: text('Part of the name') }, ['query']),
    tool(
      'free_slots',
      'When a service can be booked, within 62 days. Days and times without an offset are by the clock of the master',
      {
        service_id: text('Id of the service'),
        from: text('Day or time, such as 2026-11-22, 2026-11-22T09:00 or 2026-11-22T09:00:00+03:00'),
        to: text('The same; a day is meant to its end. Without it the stretch ends with the day of from'),
      },
      ['service_id', 'from'],
    ),
    tool(
      'my_bookings',
      'The bookings of the user you talk to, with their times by the clock of the master',
      { status: text('requested, confirmed, declined, cancelled, completed or expired') },
      [],
    ),
  ];

  constructor(private readonly queries: QueryBus) {}

  /** The result as text for the model. Errors of its arguments are also results, so that it can correct them. */
  async run(asker: Asker, { function: { name, arguments: given } }: ToolCall): Promise<string> {
    try {
      const args: unknown = JSON.parse(given || '{}') ?? {};
      if (!isObject<Record<string, unknown>>(args))
        throw new AppError('INVALID_DATA', 'Arguments must be a JSON object');
      return resultOf(await this.look(asker, name, args));
    } catch (error) {
      const { code, message } =
        error instanceof SyntaxError
          ? { code: 'INVALID_DATA', message: 'Arguments must be JSON' }
          : toAppError(error);
      return JSON.stringify({ error: { code, message: message.slice(0, MAX_MESSAGE) } });
    }
  }

  private async look(
    { userId, timezone }: Asker,
    name: string,
    given: Record<string, unknown>,
  ): Promise<ToolResult> {
    const { query, status, service_id, from, to } = given;
    switch (name) {
      case 'search_services': {
        const { items, next_cursor } = await this.queries.execute(
          new ListServices(userId, validated(ServiceQuery, { query, limit: LIMIT })),
        );
        const zones = await this.zonesOf(items);
        return {
          items: items.map((service) => aboutService(service, zones.get(service.master.id))),
          ...more(next_cursor),
        };
      }
      case 'search_masters': {
        const page = validated(UserQuery, { query, limit: LIMIT });
        const { items } = await this.queries.execute(
          new ListUsers(page.query, page.limit, undefined, userId, true),
        );
        return { items };
      }
      case 'free_slots': {
        const { service_id: id } = validated(IdArgument, { service_id });
        const service = await this.queries.execute(new GetService(userId, id));
        const zone = (await this.zonesOf([service])).get(service.master.id) ?? NO_ZONE;
        const page = validated(SlotQuery, { ...stretchOf(from, to, zone), limit: SLOTS });
        const { items, next_cursor } = await this.queries.execute(new ListSlots(userId, id, page));
        return {
          timezone: zone,
          now: onClock(nowIn(zone)),
          items: items.map((slot) => timesOf(slot, zone, timezone)),
          ...more(next_cursor),
        };
      }
      case 'my_bookings': {
        const { items, next_cursor } = await this.queries.execute(
          new ListBookings(
            userId,
            validated(BookingQuery, { status: status === '' ? undefined : status, limit: LIMIT }),
          ),
        );
        const zones = await this.zonesOf(items);
        return {
          items: items.map((booking) =>
            aboutBooking(booking, zones.get(booking.master.id) ?? NO_ZONE, timezone),
          ),
          ...more(next_cursor),
        };
      }
      default: {
        const names = this.definitions.map((known) => known.function.name).join(', ');
        throw new AppError('NOT_FOUND', `Unknown tool ${name.slice(0, 100)}; available: ${names}`);
      }
    }
  }

  private zonesOf(items: { master: { id: string } }[]): Promise<Map<string, string>> {
    return this.queries.execute(new ListTimezones(items.map(({ master }) => master.id)));
  }
}

/** The model learns that a list continues, but gets no cursor: it can search more narrowly. */
const more = (cursor: string | null) => (cursor ? { more: true } : {});
