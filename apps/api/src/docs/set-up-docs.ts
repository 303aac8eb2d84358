import { ErrorBody } from '#contracts';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ApiModule } from '../api.module.js';
import { OlderSignInModule } from '../older-sign-in.controller.js';
import { serveDocsPage } from './page.js';
import { describeQueries, schemasFor } from './schemas.js';

/** OpenAPI at `/docs`, as JSON at `/docs-json`. */
export function setUpDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApi(app), { ui: false, raw: ['json'] });
  serveDocsPage(app.getHttpAdapter().getInstance());
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
