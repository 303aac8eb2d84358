import { CLIENT_EVENTS, ErrorBody, SERVER_EVENTS, type ClientEvent, type ServerEvent } from '#contracts';
import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';

const describe = (errors: ValidationError[], path = ''): string[] =>
  errors.flatMap(({ property, constraints, children }) => [
    ...Object.values(constraints ?? {}).map((message) => `${path}${property}: ${message}`),
    ...describe(children ?? [], `${path}${property}.`),
  ]);

/** The errors of a value, by field. A field that the class does not have is an error too. */
export function contractErrors(type: ClassConstructor<object>, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return ['not an object'];
  return describe(
    validateSync(plainToInstance(type, value), { whitelist: true, forbidNonWhitelisted: true }),
  );
}

export function eventErrors(event: string, args: unknown[]): string[] {
  if (args.length !== 1) return [`${event}: carries ${args.length} arguments`];
  const type = SERVER_EVENTS[event as ServerEvent];
  if (!type) return [`${event}: not in the contract`];
  return contractErrors(type, args[0]).map((error) => `${event}: ${error}`);
}

export function ackErrors(event: string, ack: unknown): string[] {
  if (ack && typeof ack === 'object' && (ack as { status?: unknown }).status === 'error') {
    const { status: _, ...body } = ack as { status: string };
    return contractErrors(ErrorBody, body).map((error) => `ack of ${event}: ${error}`);
  }
  const known = CLIENT_EVENTS[event as ClientEvent];
  if (!known) return [`${event}: not in the contract, yet answered without an error`];
  return contractErrors(known.ack, ack).map((error) => `ack of ${event}: ${error}`);
}
