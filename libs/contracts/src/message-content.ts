import { plainToInstance, type ClassConstructor } from 'class-transformer';
import {
  IsInt,
  IsNumber,
  IsOptional,
  IsPositive,
  IsString,
  Max,
  MaxLength,
  Min,
  isUUID,
  validateSync,
} from 'class-validator';
import { AppError, type FieldError } from './errors.js';
import type { MessageKind } from './messages.js';
import { IsHttpUrl, IsId, isHttpUrl } from './validators.js';

/** Contract, "Chat events": metadata is kept as it is up to 8 KiB. */
const MAX_METADATA_BYTES = 8 * 1024;

class PhotoMetadata {
  @IsInt() @Min(1) @Max(100_000) width!: number;
  @IsInt() @Min(1) @Max(100_000) height!: number;
  @IsOptional() @IsHttpUrl() thumbnail?: string;
}

class VoiceMetadata {
  /** Seconds. */
  @IsNumber() @IsPositive() @Max(86_400) duration!: number;
}

class VideoMetadata extends VoiceMetadata {
  @IsOptional() @IsHttpUrl() thumbnail?: string;
}

class LocationMetadata {
  @IsNumber() @Min(-90) @Max(90) lat!: number;
  @IsNumber() @Min(-180) @Max(180) lng!: number;
  @IsOptional() @IsString() @MaxLength(500) address?: string;
}

class BookingProposalMetadata {
  @IsId() service_id!: string;
}

class AnyMetadata {}

const METADATA: Record<MessageKind, ClassConstructor<object>> = {
  text: AnyMetadata,
  photo: PhotoMetadata,
  video: VideoMetadata,
  voice: VoiceMetadata,
  location: LocationMetadata,
  profile_share: AnyMetadata,
  post_share: AnyMetadata,
  booking_proposal: BookingProposalMetadata,
};

const contentError = (type: MessageKind, content: string): string | undefined => {
  switch (type) {
    case 'text':
    case 'booking_proposal':
      return content.trim() === '' ? 'must not be empty' : undefined;
    case 'photo':
    case 'video':
    case 'voice':
      return isHttpUrl(content) ? undefined : 'must be an http(s) URL';
    case 'profile_share':
    case 'post_share':
      return isUUID(content, 'all') ? undefined : 'must be an id';
    case 'location':
      return undefined;
  }
};

/**
 * What each of the 8 types must carry (contract, "Chat events").
 * @throws AppError INVALID_DATA naming every wrong field, such as `metadata.duration`
 */
export function assertMessageContent(
  type: MessageKind,
  content: string,
  metadata: Record<string, unknown>,
): void {
  const details: FieldError[] = [];
  const wrong = contentError(type, content);
  if (wrong) details.push({ field: 'content', message: `content ${wrong}` });
  if (METADATA[type] !== AnyMetadata) {
    for (const { property, constraints } of validateSync(plainToInstance(METADATA[type], metadata))) {
      // The last one is about the kind of value, those before it about its size.
      const message = Object.values(constraints ?? {}).at(-1) ?? 'is invalid';
      details.push({ field: `metadata.${property}`, message });
    }
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES)
    details.push({ field: 'metadata', message: 'metadata must be at most 8 KiB' });
  if (details.length > 0) throw new AppError('INVALID_DATA', details[0]!.message, { details });
}
