import { IsInt, IsString, Min } from 'class-validator';
import { PageOf } from '../page.js';
import { IsNested, IsTimestamp } from '../validation/validators.js';

export class JobCounts {
  /** Stored by a transaction, not in the queue yet. */
  @IsInt() @Min(0) outbox!: number;
  @IsInt() @Min(0) waiting!: number;
  @IsInt() @Min(0) active!: number;
  /** Scheduled, or waiting for the next attempt. */
  @IsInt() @Min(0) delayed!: number;
  @IsInt() @Min(0) completed!: number;
  @IsInt() @Min(0) failed!: number;
}

/** A dead letter: a job with no attempts left, or without a processor. Its data stay in the queue. */
export class FailedJobDto {
  @IsString() id!: string;
  @IsString() name!: string;
  @IsString() reason!: string;
  @IsInt() @Min(0) attempts!: number;
  @IsTimestamp() created_at!: string;
  @IsTimestamp() failed_at!: string;
}

/** The state of the queues. The items are the dead letters, latest first. */
export class QueuesPage extends PageOf(FailedJobDto) {
  @IsNested(() => JobCounts) counts!: JobCounts;
}
