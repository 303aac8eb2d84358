import {
  AvailabilityDto,
  CreateServiceBody,
  ServiceDto,
  ServicePage,
  ServiceQuery,
  SlotPage,
  SlotQuery,
  UpdateServiceBody,
} from '#contracts';
import type { SignedIn } from '#identity';
import {
  CreateService,
  DeleteService,
  GetService,
  GetAvailability,
  ListServices,
  ListSlots,
  SetAvailability,
  UpdateService,
} from '#marketplace';
import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Answers } from '../openapi/answers.js';
import { IdPipe } from '../http/id.pipe.js';
import { SignedInUser } from '../http/signed-in-user.js';

const ONE = ['INVALID_DATA', 'UNAUTHORIZED', 'NOT_FOUND'] as const;

@ApiTags('services')
@Controller()
export class ServicesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('services')
  @Answers('Services, by part of a name or by master', { type: ServicePage }, 'INVALID_DATA', 'UNAUTHORIZED')
  list(@SignedInUser() { userId }: SignedIn, @Query() query: ServiceQuery): Promise<ServicePage> {
    return this.queries.execute(new ListServices(userId, query));
  }

  @Post('services')
  @Answers('Offer a service', { type: ServiceDto, status: 201 }, 'INVALID_DATA', 'UNAUTHORIZED', 'CONFLICT')
  create(@SignedInUser() { userId }: SignedIn, @Body() body: CreateServiceBody): Promise<ServiceDto> {
    return this.commands.execute(new CreateService(userId, body));
  }

  @Get('services/:id')
  @Answers('A service', { type: ServiceDto }, ...ONE)
  find(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<ServiceDto> {
    return this.queries.execute(new GetService(userId, id));
  }

  @Patch('services/:id')
  @Answers('Change my service', { type: ServiceDto }, ...ONE, 'FORBIDDEN')
  update(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Body() body: UpdateServiceBody,
  ): Promise<ServiceDto> {
    return this.commands.execute(new UpdateService(userId, id, body));
  }

  @Delete('services/:id')
  @Answers('Delete my service', { status: 204 }, ...ONE, 'FORBIDDEN')
  delete(@SignedInUser() { userId }: SignedIn, @Param('id', IdPipe) id: string): Promise<void> {
    return this.commands.execute(new DeleteService(userId, id));
  }

  @Get('services/:id/slots')
  @Answers('Free slots of a service', { type: SlotPage }, ...ONE)
  slots(
    @SignedInUser() { userId }: SignedIn,
    @Param('id', IdPipe) id: string,
    @Query() query: SlotQuery,
  ): Promise<SlotPage> {
    return this.queries.execute(new ListSlots(userId, id, query));
  }

  @Get('users/me/availability')
  @Answers('My availability', { type: AvailabilityDto }, 'UNAUTHORIZED')
  availability(@SignedInUser() { userId }: SignedIn): Promise<AvailabilityDto> {
    return this.queries.execute(new GetAvailability(userId));
  }

  @Put('users/me/availability')
  @Answers('Set my availability', { type: AvailabilityDto }, 'INVALID_DATA', 'UNAUTHORIZED')
  setAvailability(
    @SignedInUser() { userId }: SignedIn,
    @Body() body: AvailabilityDto,
  ): Promise<AvailabilityDto> {
    return this.commands.execute(new SetAvailability(userId, body));
  }
}
