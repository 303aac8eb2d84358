import compress from '@fastify/compress';
import helmet from '@fastify/helmet';
import { AppError } from '#contracts';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { randomUUID } from 'node:crypto';
import { BEFORE_SIGN_IN } from '../limits/budgets/index.js';
import type { Config } from '../config/config.js';
import { logger, NestLogger } from '../observability/logging.js';
import { Dependencies } from '../observability/ops/dependencies.js';
import { OpsController } from '../observability/ops/ops.controller.js';
import { PlatformModule } from '../platform.module.js';
import { StartupError } from '../config/startup-error.js';
import { reachRedis } from '../redis/redis.js';
import { recordAnswerLengths } from './connections/answer-lengths.js';
import { Bodies } from './connections/bodies.js';
import { MAX_HEADER_SIZE, REQUEST_DEADLINE } from './connections/deadlines.js';
import { ErrorFilter, sendErrorResponse } from './error.filter.js';
import { OpenConnections } from './connections/open-connections.js';
import { logRequests } from './request-log.js';
import { RequestsInWork } from './connections/requests-in-work.js';

/** Connections that may wait to be accepted. Beyond it, a client has to connect again after a second. */
const BACKLOG = 4096;

const JSON_TYPES = ['application/json', 'application/merge-patch+json'];
/** Answers with tokens are not compressed. */
const WITH_TOKENS = /\/auth(\/|$)/;

/** The outermost module: its hooks run first when the app closes. */
@Module({ controllers: [OpsController], providers: [Bodies, Dependencies, OpenConnections, RequestsInWork] })
class HttpApp {}

/**
 * Creates an app's module with the common parts of every HTTP server. It is neither initialised nor listening yet.
 * @throws StartupError (when Redis is not reachable at REDIS_URL)
 */
export async function createHttpApp(module: Type, config: Config): Promise<NestFastifyApplication> {
  logger.level = config.LOG_LEVEL;
  if (config.REDIS_URL) await reachRedis(config.REDIS_URL);
  const adapter = new FastifyAdapter({
    bodyLimit: BEFORE_SIGN_IN.body.most,
    requestTimeout: REQUEST_DEADLINE.requestTimeout,
    http: { ...REQUEST_DEADLINE, maxHeaderSize: MAX_HEADER_SIZE },
    trustProxy: (_address, hop) => hop < config.TRUSTED_PROXIES,
    // A client could choose an id that looks like another client's in the log.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    // Requests without a valid route, such as a badly encoded address, reach no filter.
    frameworkErrors: (error: unknown, _request: unknown, reply: unknown) =>
      sendErrorResponse(error, reply as FastifyReply),
  });
  const root = { module: HttpApp, imports: [PlatformModule.forRoot(config), module] };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: new NestLogger(),
    bodyParser: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  app.get(RequestsInWork).watch(fastify);
  logRequests(fastify);
  recordAnswerLengths(fastify);
  takeJsonOrNothing(fastify, app.get(Bodies));
  forbidCaching(fastify);
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
 * Mobile clients and proxies send a content type, white space or a chunked body when there is no body. That counts as
 * no body, whatever its type. JSON patch types and a repeated JSON type count as JSON.
 */
function takeJsonOrNothing(fastify: FastifyInstance, bodies: Bodies): void {
  bodies.watch(fastify);
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(JSON_TYPES, { parseAs: 'string' }, (request, body, done) => {
    if (isBlank(body as string)) return done(null, undefined);
    try {
      bodies.take(request, body as string);
    } catch (refusal) {
      return done(refusal as AppError);
    }
    void parse(request, body as string, done);
  });
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
    done(isBlank(body.toString()) ? null : new AppError('INVALID_DATA', 'Body must be application/json')),
  );
  fastify.addHook('onRequest', ({ headers }, _reply, done) => {
    const json = jsonTypeOf(headers['content-type'] ?? '');
    // Fastify refuses by type before it reads the body.
    if (json && headers['content-length'] !== '0') headers['content-type'] = json;
    else delete headers['content-type'];
    done();
  });
}

/** The JSON type in a header; proxies join a repeated header by a comma. */
function jsonTypeOf(header: string): string | undefined {
  const [type, ...otherTypes] = header
    .replaceAll(/"[^"]*"/g, '')
    .split(',')
    .map((one) => one.split(';')[0]!.trim().toLowerCase());
  return otherTypes.every((other) => other === type) ? JSON_TYPES.find((known) => known === type) : undefined;
}

const isBlank = (text: string) => text.trim() === '';

/**
 * Compresses answers from 1 KiB, except those with a token: together with text of a client, the compressed length would
 * leak the token. Compressed request bodies are refused, since a small one may expand to any size.
 */
async function compressAnswers(app: NestFastifyApplication, fastify: FastifyInstance): Promise<void> {
  fastify.addHook('onRoute', (route) => {
    if (WITH_TOKENS.test(route.path)) route.compress = false;
  });
  // A cache must not confuse compressed and plain answers.
  fastify.addHook('onSend', ({ method, routeOptions }, reply, payload, done) => {
    if ((method === 'GET' || method === 'HEAD') && !WITH_TOKENS.test(routeOptions.url ?? ''))
      void reply.header('vary', [reply.getHeader('vary') ?? [], 'accept-encoding'].flat().join(', '));
    done(null, payload);
  });
  await app.register(compress, { globalDecompression: false, encodings: ['br', 'gzip'] });
}

/** Answers contain tokens and private texts: no cache may store them, unless a route says otherwise. */
function forbidCaching(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    done(null, payload);
  });
}

/** A connection answered while the server closes would be kept alive, and the server would wait for it. */
function letGoWhenClosing(fastify: FastifyInstance, connections: OpenConnections): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (connections.areEnding) void reply.header('connection', 'close');
    done(null, payload);
  });
}

/**
 * @returns the address
 * @throws StartupError (when the port or host cannot be used)
 */
export async function listen(app: NestFastifyApplication, { PORT, HOST }: Config): Promise<string> {
  try {
    // Initialised by Fastify: Nest would log a second line beside the one for the operator.
    await app.init();
    return await app
      .getHttpAdapter()
      .getInstance()
      .listen({ port: PORT, host: HOST ?? '0.0.0.0', backlog: BACKLOG });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartupError(`PORT: ${PORT} is in use by another program`);
    if (syscall) throw new StartupError(`HOST, PORT: cannot listen (${code})`);
    throw error;
  }
}
