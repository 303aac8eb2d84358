import { ErrorBody } from '#contracts';
import { Config, RateLimits } from '#platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ApiModule } from '../api.module.js';
import { LegacyLoginModule } from '../auth/legacy-login.controller.js';
import { serveDocs } from './page.js';
import { describeQueries, schemasFor } from './schemas.js';

/** Cached for all apps of this process, which have the same routes. */
let json: string | undefined;

/**
 * Serves OpenAPI at `/docs`, and as JSON at `/docs-json`, unless SERVE_DOCS disables it. The document is built at the
 * start, since that blocks the process for 0.2 seconds.
 */
export function setUpDocs(app: NestFastifyApplication): void {
  if (app.get(Config).SERVE_DOCS !== 'true') return;
  json ??= JSON.stringify(openApi(app));
  serveDocs(app.getHttpAdapter().getInstance(), json, app.get(RateLimits));
}

function openApi(app: NestFastifyApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setTitle('Service platform API')
    .setDescription('Errors have one shape on every route; lists are `{ items, next_cursor }`.')
    .setVersion('2')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .addGlobalResponse({ status: 'default', type: ErrorBody, description: 'Any error' })
    .build();
  describeQueries();
  const document = SwaggerModule.createDocument(app, about, {
    include: [ApiModule, LegacyLoginModule],
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  document.components = { ...document.components, schemas: schemasFor(document) };
  return document;
}
