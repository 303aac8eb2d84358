export { startEmbeddedPostgres, urlOfRunning, type EmbeddedPostgres } from './embedded.js';
