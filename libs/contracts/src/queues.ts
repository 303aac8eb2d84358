import { IsInt, IsString, Min } from 'class-validator';
import { PageOf } from './page.js';
import { IsNested, IsTimestamp } from './validators.js';

export class JobCounts {
  /** Promised by a transaction, not yet in the queue. */
  @IsInt() @Min(0) outbox!: number;
  @IsInt() @Min(0) waiting!: number;
  @IsInt() @Min(0) active!: number;
  /** Scheduled, or waiting for their next attempt. */
  @IsInt() @Min(0) delayed!: number;
  @IsInt() @Min(0) completed!: number;
  @IsInt() @Min(0) failed!: number;
}

/** A job that failed for good: no attempts left, or nobody knows it. Its data stay where they are. */
export class FailedJobDto {
  @IsString() id!: string;
  @IsString() name!: string;
  @IsString() reason!: string;
  @IsInt() @Min(0) attempts!: number;
  @IsTimestamp() created_at!: string;
  @IsTimestamp() failed_at!: string;
}

/** Background work as it stands; the items are the failed jobs, the latest first. */
export class QueuesPage extends PageOf(FailedJobDto) {
  @IsNested(() => JobCounts) counts!: JobCounts;
}
