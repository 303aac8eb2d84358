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

/** Passes every error of a handler to the dispatcher. */
@Catch()
class HandOverErrors implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    callOf(host).error = error;
  }
}

/** A gateway of namespace `/`. */
export const Gateway = () => applyDecorators(WebSocketGateway(), UseFilters(HandOverErrors));

/** The socket of the event. Nest's `ConnectedSocket` needs handlers bound to each socket (`SocketAdapter`). */
export const Device = createParamDecorator((_: unknown, context: ExecutionContext) => callOf(context).socket);
