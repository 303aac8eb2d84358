import {
  NotificationCount,
  NotificationPage,
  NotificationPreferencesBody,
  NotificationPreferencesDto,
  NotificationQuery,
  NotificationReadAck,
} from '#contracts';
import type { SignedIn } from '#identity';
import {
  CountUnread,
  GetPreferences,
  ListNotifications,
  ReadAllNotifications,
  ReadNotification,
  SetPreferences,
} from '#notifications';
import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

@ApiTags('notifications')
@Controller('notifications')
export class NotificationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Answers('My notifications, latest first', { type: NotificationPage }, 'INVALID_DATA', 'UNAUTHORIZED')
  list(@SignedInUser() { userId }: SignedIn, @Query() page: NotificationQuery): Promise<NotificationPage> {
    return this.queries.execute(new ListNotifications(userId, page));
  }

  @Get('unread-count')
  @Answers('The number of my unread notifications', { type: NotificationCount }, 'UNAUTHORIZED')
  unread(@SignedInUser() { userId }: SignedIn): Promise<NotificationCount> {
    return this.queries.execute(new CountUnread(userId));
  }

  @Get('preferences')
  @Answers('My notification types and quiet hours', { type: NotificationPreferencesDto }, 'UNAUTHORIZED')
  preferences(@SignedInUser() { userId }: SignedIn): Promise<NotificationPreferencesDto> {
    return this.queries.execute(new GetPreferences(userId));
  }

  @Put('preferences')
  @Answers(
    'Change my notification types and quiet hours; absent fields stay unchanged',
    { type: NotificationPreferencesDto },
    'INVALID_DATA',
    'UNAUTHORIZED',
  )
  prefer(
    @SignedInUser() { userId }: SignedIn,
    @Body() body: NotificationPreferencesBody,
  ): Promise<NotificationPreferencesDto> {
    return this.commands.execute(new SetPreferences(userId, body));
  }

  @Post('read-all')
  @Answers('Mark all my notifications as read', { type: NotificationCount }, 'UNAUTHORIZED')
  readAll(@SignedInUser() { userId }: SignedIn): Promise<NotificationCount> {
    return this.commands.execute(new ReadAllNotifications(userId));
  }

  @Post(':id/read')
  @Answers(
    'Mark a notification as read',
    { type: NotificationReadAck },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'NOT_FOUND',
  )
  read(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<NotificationReadAck> {
    return this.commands.execute(new ReadNotification(userId, id));
  }
}
