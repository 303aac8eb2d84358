import { AppError } from '#contracts';
import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { isUUID } from 'class-validator';

/** `@Param('id', IdPipe)`. @throws AppError INVALID_DATA */
@Injectable()
export class IdPipe implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata): string {
    if (!isUUID(value, 'all')) throw AppError.invalid(data ?? 'id', 'must be a UUID');
    return value.toLowerCase();
  }
}
