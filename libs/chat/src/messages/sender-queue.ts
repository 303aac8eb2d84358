import { KeyedQueue } from '#platform';
import { Injectable } from '@nestjs/common';

/** Keeps the order of a sender's messages: while one needs a look-up, later ones of the same sender wait. */
@Injectable()
export class SenderQueue extends KeyedQueue {}
