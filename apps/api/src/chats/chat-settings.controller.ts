import { ChatDto, MuteBody } from '#contracts';
import { ArchiveChat, MuteChat } from '#chat';
import type { SignedIn } from '#identity';
import { Controller, Delete, Param, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';
import { IdPipe } from '../http/id.pipe.js';
import { OptionalBody } from '../http/optional-body.js';

const MEMBER_ONLY = ['INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN', 'CHAT_NOT_FOUND'] as const;

/** A member's own settings of a chat. */
@ApiTags('chats')
@Controller('chats/:id')
export class ChatSettingsController {
  constructor(private readonly commands: CommandBus) {}

  @Put('mute')
  @ApiBody({ type: MuteBody, required: false })
  @Answers('Mute a chat on my devices, until a time or permanently', { type: ChatDto }, ...MEMBER_ONLY)
  mute(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @OptionalBody(MuteBody) { until }: MuteBody,
  ): Promise<ChatDto> {
    return this.commands.execute(new MuteChat(userId, id, true, until));
  }

  @Delete('mute')
  @Answers('Unmute a chat', { type: ChatDto }, ...MEMBER_ONLY)
  unmute(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<ChatDto> {
    return this.commands.execute(new MuteChat(userId, id, false));
  }

  @Put('archive')
  @Answers('Archive a chat', { type: ChatDto }, ...MEMBER_ONLY)
  archive(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<ChatDto> {
    return this.commands.execute(new ArchiveChat(userId, id, true));
  }

  @Delete('archive')
  @Answers('Unarchive a chat', { type: ChatDto }, ...MEMBER_ONLY)
  unarchive(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<ChatDto> {
    return this.commands.execute(new ArchiveChat(userId, id, false));
  }
}
