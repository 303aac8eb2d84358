import {
  Catch,
  UseFilters,
  applyDecorators,
  createParamDecorator,
  type ArgumentsHost,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import type { EventCall } from './event-dispatcher.js';

const callOf = (host: ArgumentsHost) => host.getArgByIndex<EventCall>(2);

/** Hands whatever a handler throws to the one place that answers events. */
@Catch()
class HandOverErrors implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    callOf(host).error = error;
  }
}

/** A gateway of namespace `/`. */
export const Gateway = () => applyDecorators(WebSocketGateway(), UseFilters(HandOverErrors));

/** The socket whose event it is. Nest's `ConnectedSocket` wants handlers that are bound to each one (`SocketAdapter`). */
export const Device = createParamDecorator((_: unknown, context: ExecutionContext) => callOf(context).socket);
