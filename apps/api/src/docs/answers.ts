import { ERROR_STATUS, ErrorBody, type ErrorCode } from '#contracts';
import { applyDecorators, HttpCode, type Type } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';

/** The body classes that routes answer with, by name. */
export const answerTypes = new Map<string, Type>();

/** What a route answers: its line in the docs, its status and body (none: 204), and the errors that are its own. */
export function Answers(
  summary: string,
  { type, status = type ? 200 : 204 }: { type?: Type; status?: number },
  ...errors: ErrorCode[]
): MethodDecorator {
  if (type) answerTypes.set(type.name, type);
  const statuses = new Set(errors.map((code) => ERROR_STATUS[code]));
  return applyDecorators(
    ApiOperation({ summary }),
    HttpCode(status),
    ApiResponse({ status, type, description: type?.name ?? 'Done' }),
    ...[...statuses].map((errorStatus) => {
      const codes = errors.filter((code) => ERROR_STATUS[code] === errorStatus);
      return ApiResponse({ status: errorStatus, type: ErrorBody, description: codes.join(', ') });
    }),
  );
}
