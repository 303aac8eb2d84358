import { CreatePostBody, PostDto } from '#contracts';
import type { SignedIn } from '#identity';
import { Announce } from '#social';
import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';

@ApiTags('admin')
@Controller('admin/announcements')
@UseGuards(AdminGuard)
export class AnnouncementsController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @Answers(
    'Create a post and notify all users of it',
    { type: PostDto, status: 201 },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
    'MESSAGE_TOO_LARGE',
  )
  create(@SignedInUser() { userId }: SignedIn, @Body() body: CreatePostBody): Promise<PostDto> {
    return this.commands.execute(new Announce(userId, body));
  }
}
