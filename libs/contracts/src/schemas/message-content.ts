import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { IsInt, IsNumber, IsOptional, IsPositive, Max, Min, isUUID, validateSync } from 'class-validator';
import { AppError, type FieldError } from '../errors.js';
import type { MessageKind } from './messages.js';
import { isBlank, isVisible } from '../validation/text.js';
import { isHttpUrl } from '../validation/urls.js';
import { IsHttpUrl, IsId, IsText, IsVisible } from '../validation/validators.js';

/** Metadata is stored unchanged up to 8 KiB. */
const MAX_METADATA_BYTES = 8 * 1024;

/** Metadata is optional: only the given fields are validated. */
class PhotoMetadata {
  @IsOptional() @IsInt() @Min(1) @Max(100_000) width?: number;
  @IsOptional() @IsInt() @Min(1) @Max(100_000) height?: number;
  @IsOptional() @IsHttpUrl() thumbnail?: string;
}

class VoiceMetadata {
  /** Seconds. */
  @IsOptional() @IsNumber() @IsPositive() @Max(86_400) duration?: number;
}

class VideoMetadata extends VoiceMetadata {
  @IsOptional() @IsHttpUrl() thumbnail?: string;
}

class LocationMetadata {
  @IsNumber() @Min(-90) @Max(90) lat!: number;
  @IsNumber() @Min(-180) @Max(180) lng!: number;
  @IsOptional() @IsText(0, 500) @IsVisible({ orBlank: true }) address?: string;
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
      return isVisible(content) ? undefined : 'must not be empty';
    case 'photo':
    case 'video':
    case 'voice':
      return isHttpUrl(content) ? undefined : 'must be an http(s) URL';
    case 'profile_share':
    case 'post_share':
      return isUUID(content, 'all') ? undefined : 'must be an id';
    case 'location':
      return isVisible(content) || isBlank(content) ? undefined : 'must not be invisible';
  }
};

const DECIMAL = /[+-]?(?:\d{1,3}(?:\.\d{0,30})?|\.\d{1,30})(?:e[+-]?\d{1,3})?/.source;
const COORDINATES = new RegExp(`^\\s*(${DECIMAL})\\s*,\\s*(${DECIMAL})\\s*$`, 'i');

/** "lat,lng": older clients send a location only as its content. */
function coordinatesIn(content: string): { lat: number; lng: number } | undefined {
  const [, lat, lng] = COORDINATES.exec(content) ?? [];
  return lat === undefined ? undefined : { lat: Number(lat), lng: Number(lng) };
}

/**
 * Validates the content and metadata of each of the 8 message types.
 * @returns the metadata to store. A location always has `lat` and `lng`, also when only its content names them. Its
 *   address is normalized as all texts are, or absent
 * @throws AppError INVALID_DATA (names every wrong field, such as `metadata.duration`)
 */
export function messageMetadata(
  type: MessageKind,
  content: string,
  given: Record<string, unknown>,
): Record<string, unknown> {
  // Before any work is done per key.
  requireSmall(given);
  const details: FieldError[] = [];
  const wrong = contentError(type, content);
  if (wrong) details.push({ field: 'content', message: `content ${wrong}` });
  let metadata = given;
  if (type === 'location' && given.lat == null && given.lng == null) {
    metadata = { ...given, ...coordinatesIn(content) };
    if (metadata.lat == null)
      details.push({ field: 'content', message: 'content must be "lat,lng" where metadata has neither' });
  }
  if (METADATA[type] !== AnyMetadata) {
    const checked = plainToInstance(METADATA[type], metadata);
    for (const { property, constraints } of validateSync(checked)) {
      // The last constraint checks the type of the value, the earlier ones its size.
      const message = Object.values(constraints ?? {}).at(-1) ?? 'is invalid';
      details.push({ field: `metadata.${property}`, message });
    }
    if (checked instanceof LocationMetadata && typeof checked.address === 'string')
      metadata = { ...metadata, address: checked.address || undefined };
  }
  if (metadata !== given) requireSmall(metadata);
  if (details.length > 0) throw new AppError('INVALID_DATA', details[0]!.message, { details });
  return metadata;
}

function requireSmall(metadata: object): void {
  if (Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA_BYTES) return;
  const message = 'metadata must be at most 8 KiB';
  throw new AppError('INVALID_DATA', message, { details: [{ field: 'metadata', message }] });
}

/** The metadata of a message after an edit. A location whose content changed gets the new coordinates. */
export function editedMetadata(
  type: MessageKind,
  content: string,
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  const place = type === 'location' ? coordinatesIn(content) : undefined;
  return messageMetadata(type, content, place ? { ...metadata, address: undefined, ...place } : metadata);
}
