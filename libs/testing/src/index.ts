export { TestApp } from './app/app.js';
export { AppProcess } from './app/app-process.js';
export { AssistantClient, type Frame } from './clients/assistant-client.js';
export { DatabaseSession } from './clients/database-session.js';
export { contractErrors } from './contract.js';
export { createTestDatabase, type TestDatabase } from './app/database.js';
export { Device } from './clients/device.js';
export { text } from './app/factories.js';
export { happen } from './happenings.js';
export { Link } from './clients/link.js';
export { logOf } from './log.js';
export type { Script } from './model/model-answer.js';
export { ModelServer, type ModelMessage } from './model/model-server.js';
export { OldClient } from './clients/old-client.js';
export { PlainClient } from './clients/plain-client.js';
export {
  describePlans,
  type PlannedApp,
  FILL_USERS,
  filledUser,
  FILLED_USERS,
  fullScans,
  numbered,
} from './query-plans.js';
export { expectStatus, Platform, type Account, type Reply } from './app/platform.js';
export { ProcessCluster } from './app/process-cluster.js';
export { promised, rememberPromises } from './promises.js';
export { describeWithRedis, emptyRedis, itAlone, itWithRedis } from './app/redis.js';
export { SIGNING_KEY } from './app/settings.js';
export { until, Waiting } from './waiting.js';
