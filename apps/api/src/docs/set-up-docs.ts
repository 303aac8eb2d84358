import { ErrorBody } from '#contracts';
import { Config } from '#platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ApiModule } from '../api.module.js';
import { OlderSignInModule } from '../legacy-login.controller.js';
import { serveDocs } from './page.js';
import { describeQueries, schemasFor } from './schemas.js';

/** The document of this process, whose routes are the same in each of its apps. */
let json: string | undefined;

/**
 * OpenAPI at `/docs`, as JSON at `/docs-json`, unless SERVE_DOCS says otherwise. The document is made now: that takes a
 * fifth of a second, in which nobody else would be answered.
 */
export function setUpDocs(app: NestFastifyApplication): void {
  if (app.get(Config).SERVE_DOCS !== 'true') return;
  json ??= JSON.stringify(openApi(app));
  serveDocs(app.getHttpAdapter().getInstance(), json);
}

export function openApi(app: NestFastifyApplication): OpenAPIObject {
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
    include: [ApiModule, OlderSignInModule],
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  document.components = { ...document.components, schemas: schemasFor(document) };
  return document;
}
