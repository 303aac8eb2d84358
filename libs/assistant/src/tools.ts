import { BookingQuery, ServiceQuery, SlotQuery, UserQuery } from '#contracts';
import { ListUsers } from '#identity';
import { ListBookings, ListServices, ListSlots } from '#marketplace';
import { toAppError, validated } from '#platform';
import { Injectable } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';
import type { ChatCompletionFunctionTool } from 'openai/resources/chat/completions';
import type { ToolCall } from './model.js';

/** How much of a list a model is told. */
const LIMIT = 10;

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

/** What the model may look up: read only, and always as the user whom it answers. */
@Injectable()
export class Tools {
  readonly definitions = [
    tool(
      'search_services',
      'Services on offer by part of their name, with price, minutes and master',
      { query: text('Part of the name') },
      ['query'],
    ),
    tool('search_masters', 'Masters by part of their name', { query: text('Part of the name') }, ['query']),
    tool(
      'free_slots',
      'When a service can be booked, within 62 days',
      {
        service_id: text('Id of the service'),
        from: text('ISO 8601 time, UTC'),
        to: text('ISO 8601 time, UTC'),
      },
      ['service_id', 'from', 'to'],
    ),
    tool(
      'my_bookings',
      'The bookings of the user you talk to',
      { status: text('requested, confirmed, declined, cancelled, completed or expired') },
      [],
    ),
  ];

  constructor(private readonly queries: QueryBus) {}

  /** The result as text for the model. What it asked wrongly is its to mend: that, too, is a result. */
  async run(userId: string, { function: { name, arguments: given } }: ToolCall): Promise<string> {
    try {
      const args = JSON.parse(given || '{}') as Record<string, unknown> | null;
      return JSON.stringify(await this.look(userId, name, args ?? {}));
    } catch (error) {
      const { code, message } =
        error instanceof SyntaxError
          ? { code: 'INVALID_DATA', message: 'Arguments must be JSON' }
          : toAppError(error);
      return JSON.stringify({ error: { code, message } });
    }
  }

  private async look(userId: string, name: string, given: Record<string, unknown>): Promise<unknown> {
    const { query, status, service_id, from, to } = given;
    switch (name) {
      case 'search_services':
        return this.queries.execute(
          new ListServices(userId, validated(ServiceQuery, { query, limit: LIMIT })),
        );
      case 'search_masters': {
        const page = validated(UserQuery, { query, limit: LIMIT });
        const { items } = await this.queries.execute(
          new ListUsers(page.query, page.limit, undefined, userId, true),
        );
        return { items };
      }
      case 'free_slots': {
        const page = validated(SlotQuery, { from, to, limit: LIMIT });
        return this.queries.execute(
          new ListSlots(userId, validated(IdArgument, { service_id }).service_id, page),
        );
      }
      case 'my_bookings':
        return this.queries.execute(
          new ListBookings(userId, validated(BookingQuery, { status, limit: LIMIT })),
        );
      default:
        return { error: { code: 'NOT_FOUND', message: `There is no tool ${name}` } };
    }
  }
}
