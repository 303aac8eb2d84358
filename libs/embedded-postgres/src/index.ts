export { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded.js';
