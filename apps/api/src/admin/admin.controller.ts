import { GetStats } from '#admin';
import { AuditPage, PageQuery, StatsDto } from '#contracts';
import { ListAudit } from '#identity';
import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { Answers } from '../openapi/answers.js';

@ApiTags('admin')
@UseGuards(AdminGuard)
@Controller('admin')
export class AdminController {
  constructor(private readonly queries: QueryBus) {}

  @Get('audit')
  @Answers(
    'Actions of admins, latest first',
    { type: AuditPage },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
  )
  audit(@Query() page: PageQuery): Promise<AuditPage> {
    return this.queries.execute(new ListAudit(page));
  }

  @Get('stats')
  @Answers(
    'Statistics of the system; large numbers are estimates',
    { type: StatsDto },
    'UNAUTHORIZED',
    'FORBIDDEN',
  )
  stats(): Promise<StatsDto> {
    return this.queries.execute(new GetStats());
  }
}
