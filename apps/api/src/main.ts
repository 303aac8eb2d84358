import { runAlone } from '#platform';
import { ApiModule } from './api.module.js';
import { setUpDocs } from './openapi/set-up-docs.js';

/** Runs the REST API alone. */
await runAlone(ApiModule, setUpDocs);
