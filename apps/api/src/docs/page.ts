import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Service platform API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>`;

/** A file of its own: the security headers forbid inline scripts. */
const START = `SwaggerUIBundle({ url: '/docs-json', dom_id: '#ui', persistAuthorization: true });`;

/**
 * Swagger UI from its own package. The framework's way to serve it wants @fastify/static, whose release for this
 * Fastify asks for a newer Node than ours.
 */
export function serveDocsPage(fastify: FastifyInstance): void {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const asset = (path: string, type: string, read: () => string | Buffer) => {
    let content: string | Buffer | undefined;
    fastify.get(path, (_request, reply) => reply.type(type).send((content ??= read())));
  };
  const file = (name: string, type: string) =>
    asset(`/docs/${name}`, type, () => readFileSync(join(folder, name)));
  asset('/docs', 'text/html; charset=utf-8', () => PAGE);
  asset('/docs/start.js', 'text/javascript; charset=utf-8', () => START);
  file('swagger-ui.css', 'text/css; charset=utf-8');
  file('swagger-ui-bundle.js', 'text/javascript; charset=utf-8');
}
