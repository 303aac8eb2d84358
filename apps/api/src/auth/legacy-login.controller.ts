import { AccessTokenAnswer, LoginBody } from '#contracts';
import { Login } from '#identity';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiSecurity, ApiTags } from '@nestjs/swagger';
import { Caller } from '../http/caller.js';
import { Answers } from '../openapi/answers.js';

/** `POST /auth/login` for older clients that do not refresh tokens. */
@ApiTags('auth')
@Controller('auth')
class LegacyLoginController {
  constructor(private readonly commands: CommandBus) {}

  @ApiSecurity({})
  @Post('login')
  @Answers(
    'Sign in with a token that is valid as long as its session',
    { type: AccessTokenAnswer },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'RATE_LIMIT',
    'UNAVAILABLE',
  )
  async login(@Body() body: LoginBody, @Caller() caller: Caller): Promise<AccessTokenAnswer> {
    const { access_token } = await this.commands.execute(
      new Login(body, { ...caller, device: body.device }, true),
    );
    return { accessToken: access_token };
  }
}

/** A separate module keeps it outside of `/api/v2`, and of its guards. */
@Module({ controllers: [LegacyLoginController] })
export class LegacyLoginModule {}
