export { TestApp, type Account, type Reply } from './app.js';
export { Bystander } from './bystander.js';
export { contractErrors } from './contract.js';
export { createTestDatabase, type TestDatabase } from './database.js';
export { Device } from './device.js';
export { text } from './factories.js';
export { PlainClient } from './plain-client.js';
export { promised, rememberPromises } from './promises.js';
