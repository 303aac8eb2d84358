import { AuthAnswer, LoginBody, PageQuery, RefreshBody, RegisterBody, SessionPage } from '#contracts';
import {
  ListSessions,
  Login,
  RefreshTokens,
  Register,
  RevokeSession,
  type Device,
  type SignedIn,
  type SignInAnswer,
} from '#identity';
import { Public, clientAddress } from '#platform';
import { Presence } from '#presence';
import { Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiSecurity, ApiTags } from '@nestjs/swagger';
import { Answers } from './docs/answers.js';
import { SignedInUser, type ApiRequest } from './signed-in-user.js';
import { IdPipe } from './id.pipe.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly presence: Presence,
  ) {}

  @Public()
  @ApiSecurity({})
  @Post('register')
  @Answers(
    'Make an account and sign in',
    { status: 201, type: AuthAnswer },
    'INVALID_DATA',
    'CONFLICT',
    'RATE_LIMIT',
  )
  async register(@Body() body: RegisterBody, @Req() request: ApiRequest): Promise<AuthAnswer> {
    return this.answer(await this.commands.execute(new Register(body, device(request, body))));
  }

  @Public()
  @ApiSecurity({})
  @Post('login')
  @Answers('Sign in on a device', { type: AuthAnswer }, 'INVALID_DATA', 'UNAUTHORIZED', 'RATE_LIMIT')
  async login(@Body() body: LoginBody, @Req() request: ApiRequest): Promise<AuthAnswer> {
    return this.answer(await this.commands.execute(new Login(body, device(request, body))));
  }

  @Public()
  @ApiSecurity({})
  @Post('refresh')
  @Answers('Rotate the tokens of a session', { type: AuthAnswer }, 'INVALID_DATA', 'UNAUTHORIZED')
  async refresh(@Body() { refresh_token }: RefreshBody): Promise<AuthAnswer> {
    return this.answer(await this.commands.execute(new RefreshTokens(refresh_token)));
  }

  @Post('logout')
  @Answers('Sign this device out', {}, 'UNAUTHORIZED')
  async logout(@SignedInUser() { userId, sessionId }: SignedIn): Promise<void> {
    await this.commands.execute(new RevokeSession(userId, sessionId));
  }

  @Get('sessions')
  @Answers('My signed-in devices, newest first', { type: SessionPage }, 'INVALID_DATA', 'UNAUTHORIZED')
  sessions(
    @SignedInUser() { userId, sessionId }: SignedIn,
    @Query() { limit, cursor }: PageQuery,
  ): Promise<SessionPage> {
    return this.queries.execute(new ListSessions(userId, sessionId, limit, cursor));
  }

  @Delete('sessions/:id')
  @Answers('Sign one of my devices out', {}, 'INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND')
  async revoke(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    await this.commands.execute(new RevokeSession(userId, id));
  }

  private async answer(signIn: SignInAnswer): Promise<AuthAnswer> {
    return { ...signIn, user: await this.presence.withOnline(signIn.user) };
  }
}

export function device(request: ApiRequest, body: { device?: string }): Device {
  return { device: body.device, userAgent: request.headers['user-agent'], ip: clientAddress(request) };
}
