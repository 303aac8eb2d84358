import { ErrorBody } from '#contracts';
import { Config } from '#platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ApiModule } from '../api.module.js';
import { OlderSignInModule } from '../older-sign-in.controller.js';
import { serveDocs } from './page.js';
import { describeQueries, schemasFor } from './schemas.js';

/** OpenAPI at `/docs`, as JSON at `/docs-json`, unless SERVE_DOCS says otherwise. */
export function setUpDocs(app: NestFastifyApplication): void {
  if (app.get(Config).SERVE_DOCS === 'true')
    serveDocs(app.getHttpAdapter().getInstance(), () => openApi(app));
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
