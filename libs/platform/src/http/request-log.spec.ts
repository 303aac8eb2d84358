import { fastify } from 'fastify';
import { logger } from '../observability/logging.js';
import { logRequests } from './request-log.js';

afterEach(() => jest.restoreAllMocks());

it('logs no refusal by a limit, and no probe', async () => {
  const logged: Record<string, unknown[]> = { info: [], debug: [] };
  for (const level of ['info', 'debug'] as const)
    jest.spyOn(logger, level).mockImplementation((line: unknown) => {
      logged[level]!.push((line as { status: number }).status);
    });
  const server = fastify();
  logRequests(server);
  server.get('/answers/:status', (request, reply) =>
    reply.status(Number((request.params as { status: string }).status)).send(),
  );
  server.get('/health', (_, reply) => reply.status(204).send());
  for (const status of [200, 401, 429, 500, 503]) await server.inject(`/answers/${status}`);
  await server.inject('/health');
  await server.close();
  expect(logged).toEqual({ info: [200, 401, 500], debug: [429, 503, 204] });
});
