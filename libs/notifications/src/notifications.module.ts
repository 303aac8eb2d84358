import { IdentityModule } from '#identity';
import { Module } from '@nestjs/common';
import { NotifyHandler } from './commands/notify.command.js';

@Module({ imports: [IdentityModule], providers: [NotifyHandler] })
export class NotificationsModule {}
