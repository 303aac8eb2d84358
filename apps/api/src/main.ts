import { runAlone } from '#platform';
import { ApiModule } from './api.module.js';
import { setUpDocs } from './docs/set-up-docs.js';

/** REST alone. */
await runAlone(ApiModule, setUpDocs);
