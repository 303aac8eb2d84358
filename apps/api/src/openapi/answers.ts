import { ERROR_STATUS, ErrorBody, type ErrorCode } from '#contracts';
import { applyDecorators, HttpCode, type Type } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';

/** The response body classes of all routes, by name. */
export const answerTypes = new Map<string, Type>();

/** Documents a route: its summary, its status and body (without a body: 204), and its specific errors. */
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
