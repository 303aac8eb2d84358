import { clientAddress, networkOf, type RateLimits } from '#platform';
import { negotiate } from '@fastify/accept-negotiator';
import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

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

/** A separate file, since the security headers forbid inline scripts. */
const START = `SwaggerUIBundle({ url: '/docs-json', dom_id: '#ui', persistAuthorization: true });`;

/** Each file is compressed once per encoding: compressing the bundle takes longer than most requests. */
const ENCODERS: Record<string, (content: Buffer) => Promise<Buffer>> = {
  br: (content) => promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: promisify<Buffer, Buffer>(gzip),
  identity: (content) => Promise.resolve(content),
};

/**
 * Serves Swagger UI from its own package, and the OpenAPI document. The framework's own way needs @fastify/static. The
 * version of it for this Fastify requires a newer Node.
 */
export function serveDocs(fastify: FastifyInstance, document: string, limits: RateLimits): void {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const asset = (path: string, type: string, read: () => string | Buffer) => {
    let content: Buffer | undefined;
    const encoded = new Map<string, Promise<Buffer>>();
    fastify.get(path, { compress: false }, async (request, reply) => {
      await limits.takeOf('docs', networkOf(clientAddress(request)));
      const encoding =
        negotiate(request.headers['accept-encoding'] ?? '', Object.keys(ENCODERS)) ?? 'identity';
      content ??= Buffer.from(read());
      if (!encoded.has(encoding)) encoded.set(encoding, ENCODERS[encoding]!(content));
      if (encoding !== 'identity') void reply.header('content-encoding', encoding);
      void reply.header('cache-control', 'public, max-age=600').type(type);
      return encoded.get(encoding);
    });
  };
  const file = (name: string, type: string) =>
    asset(`/docs/${name}`, type, () => readFileSync(join(folder, name)));
  asset('/docs', 'text/html; charset=utf-8', () => PAGE);
  asset('/docs/start.js', 'text/javascript; charset=utf-8', () => START);
  file('swagger-ui.css', 'text/css; charset=utf-8');
  file('swagger-ui-bundle.js', 'text/javascript; charset=utf-8');
  asset('/docs-json', 'application/json; charset=utf-8', () => document);
}
