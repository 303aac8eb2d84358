import type { Type } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import { ConcurrencyGuard } from './concurrency.guard.js';
import { JwtGuard } from './jwt.guard.js';

/** Their order matters: authentication, then concurrent requests, then a controller's own guards. */
const GUARDS = [JwtGuard, ConcurrencyGuard];

/**
 * Binds the guards of every route to these controllers. Nest would run an `APP_GUARD` also for each event of a socket,
 * when both apps run in one process.
 */
export function guarded(controllers: Type[]): Type[] {
  for (const controller of controllers) {
    const own = (Reflect.getMetadata(GUARDS_METADATA, controller) ?? []) as unknown[];
    Reflect.defineMetadata(GUARDS_METADATA, [...GUARDS, ...own], controller);
  }
  return controllers;
}
