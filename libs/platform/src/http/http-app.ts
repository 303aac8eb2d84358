import compress from '@fastify/compress';
import helmet from '@fastify/helmet';
import { AppError } from '#contracts';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { Config } from '../config.js';
import { logger, NestLogger } from '../logging.js';
import { Dependencies } from '../ops/dependencies.js';
import { OpsController } from '../ops/ops.controller.js';
import { PlatformModule } from '../platform.module.js';
import { StartError } from '../postgres/start-error.js';
import { reachRedis } from '../redis.js';
import { ErrorFilter, tellError } from './error.filter.js';
import { OpenConnections } from './open-connections.js';
import { logRequests } from './request-log.js';

/** Contract, "Errors": a payload over 64 KiB is MESSAGE_TOO_LARGE. */
const BODY_LIMIT = 64 * 1024;

/** The outermost module: its hooks are called before all others when the app closes. */
@Module({ controllers: [OpsController], providers: [Dependencies, OpenConnections] })
class HttpApp {}

/**
 * An app's module with all that every HTTP server of ours has; neither initialised nor listening yet.
 * @throws StartError when there is no Redis at REDIS_URL
 */
export async function createHttpApp(module: Type, config: Config): Promise<NestFastifyApplication> {
  logger.level = config.LOG_LEVEL;
  if (config.REDIS_URL) await reachRedis(config.REDIS_URL);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    trustProxy: (_address, hop) => hop < config.TRUSTED_PROXIES,
    // A client's own id could be made to look like somebody else's in the log.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    // What cannot be routed at all, such as a badly encoded address, gets to no filter.
    frameworkErrors: (error: unknown, _request: unknown, reply: unknown) =>
      tellError(error, reply as FastifyReply),
  });
  const root = { module: HttpApp, imports: [PlatformModule.forRoot(config), module] };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: new NestLogger(),
    bodyParser: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  logRequests(fastify);
  takeJsonOrNothing(fastify);
  letGoWhenClosing(fastify, app.get(OpenConnections));
  await compressAnswers(app, fastify);
  // Without the upgrade rule, which would break the docs page on plain http.
  await app.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  app.enableCors({
    origin: config.corsOrigin(),
    credentials: config.corsOrigin() !== '*',
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['Retry-After', 'X-Request-Id'],
    maxAge: 600,
  });
  app.useGlobalFilters(new ErrorFilter());
  return app;
}

/**
 * Mobile clients and proxies send a content type, or a chunked body, also where there is nothing in it: that is as no
 * body, whatever its type. JSON that is a patch is JSON.
 */
function takeJsonOrNothing(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  const json = ['application/json', 'application/merge-patch+json'];
  fastify.addContentTypeParser(json, { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parse(request, body as string, done),
  );
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
    done(body.length === 0 ? null : new AppError('INVALID_DATA', 'Body must be application/json')),
  );
  fastify.addHook('onRequest', ({ headers }, _reply, done) => {
    // Fastify looks at the type before the body: at one of nothing, and at one that is none.
    if (headers['content-length'] === '0' || !headers['content-type']?.includes('/'))
      delete headers['content-type'];
    done();
  });
}

/**
 * From 1 KiB on, but for answers with a token: beside text of a client's, its length would tell of it. Bodies that come
 * compressed are not taken: a small one may hold any amount.
 */
async function compressAnswers(app: NestFastifyApplication, fastify: FastifyInstance): Promise<void> {
  fastify.addHook('onRoute', (route) => {
    if (/\/auth(\/|$)/.test(route.path)) route.compress = false;
  });
  await app.register(compress, { globalDecompression: false, encodings: ['br', 'gzip'] });
}

/** A connection whose request is answered while the server closes would be kept alive, and the server with it. */
function letGoWhenClosing(fastify: FastifyInstance, connections: OpenConnections): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (connections.areEnding) void reply.header('connection', 'close');
    done(null, payload);
  });
}

/**
 * @returns the address
 * @throws StartError when it cannot be had
 */
export async function listen(app: NestFastifyApplication, { PORT, HOST }: Config): Promise<string> {
  try {
    // By Fastify itself: Nest would log a refusal in a line of its own, beside the one that the operator gets.
    await app.init();
    return await app
      .getHttpAdapter()
      .getInstance()
      .listen({ port: PORT, host: HOST ?? '0.0.0.0' });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartError(`PORT: ${PORT} is in use by another program`);
    if (syscall) throw new StartError(`HOST, PORT: cannot listen (${code})`);
    throw error;
  }
}
