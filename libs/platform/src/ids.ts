import { v7 } from 'uuid';

/** A new UUIDv7: made here, so that a row's id is known before it is stored. */
export const newId = (): string => v7();
