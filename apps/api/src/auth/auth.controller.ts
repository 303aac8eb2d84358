import { AuthAnswer, LoginBody, PageQuery, RefreshBody, RegisterBody, SessionPage } from '#contracts';
import {
  ListSessions,
  Login,
  RefreshTokens,
  Register,
  RevokeSession,
  type SignedIn,
  type SignInAnswer,
} from '#identity';
import { Public } from '../http/public.js';
import { Presence } from '#presence';
import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiSecurity, ApiTags } from '@nestjs/swagger';
import { Caller } from '../http/caller.js';
import { Answers } from '../openapi/answers.js';
import { SignedInUser } from '../http/signed-in-user.js';
import { IdPipe } from '../http/id.pipe.js';

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
    'Create an account and sign in',
    { status: 201, type: AuthAnswer },
    'INVALID_DATA',
    'CONFLICT',
    'RATE_LIMIT',
    'UNAVAILABLE',
  )
  async register(@Body() body: RegisterBody, @Caller() caller: Caller): Promise<AuthAnswer> {
    return this.answer(await this.commands.execute(new Register(body, { ...caller, device: body.device })));
  }

  @Public()
  @ApiSecurity({})
  @Post('login')
  @Answers(
    'Sign in on a device',
    { type: AuthAnswer },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'RATE_LIMIT',
    'UNAVAILABLE',
  )
  async login(@Body() body: LoginBody, @Caller() caller: Caller): Promise<AuthAnswer> {
    return this.answer(await this.commands.execute(new Login(body, { ...caller, device: body.device })));
  }

  @Public()
  @ApiSecurity({})
  @Post('refresh')
  @Answers(
    'Rotate the tokens of a session',
    { type: AuthAnswer },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'RATE_LIMIT',
  )
  async refresh(@Body() { refresh_token }: RefreshBody, @Caller() { ip }: Caller): Promise<AuthAnswer> {
    return this.answer(await this.commands.execute(new RefreshTokens(refresh_token, ip)));
  }

  @Post('logout')
  @Answers('Sign out this device', {}, 'UNAUTHORIZED')
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
  @Answers('Sign out one of my devices', {}, 'INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND')
  async revoke(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    await this.commands.execute(new RevokeSession(userId, id));
  }

  private async answer(signIn: SignInAnswer): Promise<AuthAnswer> {
    return { ...signIn, user: await this.presence.withOnline(signIn.user) };
  }
}
