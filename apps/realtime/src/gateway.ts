import { Catch, UseFilters, applyDecorators, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import type { Failure } from './event-answering.js';

/** Hands whatever a handler throws to the one place that answers events. */
@Catch()
class HandOverErrors implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    host.getArgByIndex<Failure>(2).error = error;
  }
}

/** A gateway of namespace `/`. */
export const Gateway = () => applyDecorators(WebSocketGateway(), UseFilters(HandOverErrors));
