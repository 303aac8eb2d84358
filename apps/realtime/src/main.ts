import { runAlone } from '#platform';
import { RealtimeModule } from './realtime.module.js';
import { SocketAdapter } from './transport/socket-adapter.js';

/** Runs the sockets alone. */
await runAlone(RealtimeModule, (app) => void app.useWebSocketAdapter(new SocketAdapter(app)));
