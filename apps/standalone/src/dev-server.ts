import { run } from '#platform';
import { serve } from './serve.js';

/** The server of `npm run dev`, which keeps the embedded database running between restarts. */
await run(async (config) => {
  const app = await serve(config, 'embedded');
  process.send?.('ready');
  return app;
});
