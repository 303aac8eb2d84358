import { CreateReport, ListReports, ResolveReport } from '#admin';
import { ReportBody, ReportCaseDto, ReportDto, ReportPage, ReportQuery, ResolveBody } from '#contracts';
import type { SignedIn } from '#identity';
import { Body, Controller, Get, Param, Post, Query, UseGuards } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

@ApiTags('reports')
@Controller('reports')
export class ReportsController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  @Answers(
    'Report a user or their content to the admins',
    { type: ReportDto, status: 201 },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
    'NOT_FOUND',
    'CONFLICT',
  )
  create(@SignedInUser() { userId }: SignedIn, @Body() body: ReportBody): Promise<ReportDto> {
    return this.commands.execute(new CreateReport(userId, body));
  }
}

@ApiTags('admin')
@UseGuards(AdminGuard)
@Controller('admin/reports')
export class AdminReportsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Answers('Reports, latest first', { type: ReportPage }, 'INVALID_DATA', 'UNAUTHORIZED', 'FORBIDDEN')
  list(@SignedInUser() { userId }: SignedIn, @Query() page: ReportQuery): Promise<ReportPage> {
    return this.queries.execute(new ListReports(userId, page));
  }

  @Post(':id/resolve')
  @Answers(
    'Resolve a report',
    { type: ReportCaseDto },
    'INVALID_DATA',
    'UNAUTHORIZED',
    'FORBIDDEN',
    'NOT_FOUND',
    'CONFLICT',
  )
  resolve(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() { resolution }: ResolveBody,
  ): Promise<ReportCaseDto> {
    return this.commands.execute(new ResolveReport(userId, id, resolution));
  }
}
