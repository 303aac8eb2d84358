import { validated } from '#platform';
import {
  Catch,
  Injectable,
  UseFilters,
  applyDecorators,
  type ArgumentMetadata,
  type ArgumentsHost,
  type ExceptionFilter,
  type PipeTransform,
} from '@nestjs/common';
import { MessageBody, WebSocketGateway } from '@nestjs/websockets';
import type { Failure } from './event-answering.js';

/** Hands whatever a handler throws to the one place that answers events. */
@Catch()
class HandOverErrors implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    host.getArgByIndex<Failure>(2).error = error;
  }
}

@Injectable()
class PayloadPipe implements PipeTransform {
  transform(payload: unknown, { metatype }: ArgumentMetadata): object {
    return validated(metatype!, payload);
  }
}

/** A gateway of namespace `/`. */
export const Gateway = () => applyDecorators(WebSocketGateway(), UseFilters(HandOverErrors));

/** The event's payload, checked against the parameter's class. */
export const Payload = () => MessageBody(PayloadPipe);
