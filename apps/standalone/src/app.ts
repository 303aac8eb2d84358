import { createHttpApp, type Config } from '#platform';
import { Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiModule } from '../../api/src/api.module.js';
import { setUpDocs } from '../../api/src/openapi/set-up-docs.js';
import { RealtimeModule } from '../../realtime/src/realtime.module.js';
import { SocketAdapter } from '../../realtime/src/transport/socket-adapter.js';
import { WorkerModule } from '../../worker/src/worker.module.js';

@Module({ imports: [ApiModule, RealtimeModule, WorkerModule] })
class StandaloneModule {}

/** REST, Socket.IO and background work in one process. The database must be migrated. */
export async function createApp(config: Config): Promise<NestFastifyApplication> {
  const app = await createHttpApp(StandaloneModule, config);
  app.useWebSocketAdapter(new SocketAdapter(app));
  setUpDocs(app);
  await app.init();
  return app;
}
