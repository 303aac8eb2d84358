/**
 * npm run cluster: runs on this machine what docker-compose.yml starts: two of each app, PostgreSQL, Redis, a proxy.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { KeptProcess } from './cluster/kept-process.mjs';
import { fail } from './prepare/run.mjs';
import { prepare } from './prepare.mjs';
import { withScratchRedis } from './scratch/redis.mjs';

const PORT = numberSetting('PORT', 3000, 65_535);
const NODES = numberSetting('NODES', 2, 100);
const DATA_DIR = process.env.DATA_DIR || './.data/cluster';

await prepare();
const { default: getPort } = await import('get-port');
const { createProxyServer } = await import('httpxy');
const { startEmbeddedPostgres } = await import('../dist/libs/embedded-postgres/src/embedded.js');
const { MAX_HEADER_SIZE, REQUEST_DEADLINE, endUnreadAnswers } =
  await import('../dist/libs/platform/src/http/connections/deadlines.js');
const { secretIn } = await import('../dist/libs/platform/src/config/secret-file.js');

// Under npm, Ctrl-C arrives twice: the second signal must not interrupt the handling of the first.
const stopped = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve(signal));
});

process.exitCode = await withScratchRedis(async (redis) => {
  if (!redis) return failWith('There is no redis-server here: install it, or set TEST_REDIS_URL');
  const running = [];
  try {
    const postgres = await startEmbeddedPostgres(DATA_DIR);
    running.push(postgres);
    const env = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis,
      JWT_SECRET: secretIn(join(DATA_DIR, 'jwt-secret')),
      HOST: '127.0.0.1',
      TRUSTED_PROXIES: '1',
    };
    const apps = await appsWith(env);
    const nodes = Object.values(apps).flat();
    running.unshift({ stop: () => Promise.all(nodes.map((node) => node.stop())) });
    const proxy = await serve(apps);
    running.unshift(proxy);
    const ready = Promise.all(nodes.map((node) => node.start()));
    if (typeof (await Promise.race([ready, stopped])) !== 'string') {
      printAddresses();
      await stopped;
    }
    return 0;
  } catch (error) {
    return failWith(error.message);
  } finally {
    for (const part of running) await part.stop();
  }
});

function numberSetting(name, byDefault, most) {
  const given = process.env[name] || String(byDefault);
  if (/^\d+$/.test(given) && given >= 1 && given <= most) return Number(given);
  fail(`${name} must be a whole number from 1 to ${most}, but is ${JSON.stringify(given)}`);
}

function failWith(message) {
  console.error(message);
  return 1;
}

function printAddresses() {
  console.log(`
  Service Platform   http://127.0.0.1:${PORT}   (${NODES} × api, realtime, worker)

  Ctrl-C stops everything.
`);
}

/** Several processes of each app, not yet started. */
async function appsWith(env) {
  const nodesOf = (app) =>
    Array.from({ length: NODES }, async (_, i) => {
      const PORT = String(await getPort({ host: '127.0.0.1' }));
      return new KeptProcess(`${app} ${i + 1}`, `dist/apps/${app}/src/main.js`, { ...env, PORT });
    });
  const apps = ['api', 'realtime', 'worker'].map(async (app) => [app, await Promise.all(nodesOf(app))]);
  return Object.fromEntries(await Promise.all(apps));
}

/**
 * Routes like deploy/nginx.conf: sockets to any node; polls, and sockets upgraded from them, to the node with the
 * session.
 */
async function serve({ api, realtime }) {
  const proxy = createProxyServer({});
  let turn = 0;
  const next = (nodes) => {
    const ready = nodes.filter(({ isReady }) => isReady);
    return ready[turn++ % ready.length]?.url;
  };
  const sticky = ({ socket }) => {
    const sum = [...(socket.remoteAddress ?? '')].reduce((total, c) => total + c.charCodeAt(0), 0);
    // The client's own node, or the next available one: clients of other nodes stay where they are.
    const own = sum % realtime.length;
    return [...realtime.slice(own), ...realtime].find(({ isReady }) => isReady)?.url;
  };
  const say = (res, status, code, message) => {
    if (!res.headersSent)
      res.writeHead(status, { 'content-type': 'application/json' }).write(JSON.stringify({ code, message }));
    res.end();
  };
  // Leaves room for the address that is added before a node reads the headers.
  const limits = { ...REQUEST_DEADLINE, maxHeaderSize: MAX_HEADER_SIZE - 512 };
  const server = createServer(limits, (req, res) => {
    addAddress(req);
    // Metrics of a single process are for operators, not public.
    if (!/^\/(?!metrics)/.test(pathOf(req))) return say(res, 404, 'NOT_FOUND', 'No such route');
    const target = req.url.startsWith('/socket.io/') ? sticky(req) : next(api);
    const failed = () => say(res, 502, 'UNAVAILABLE', 'No node answers');
    if (target) proxy.web(req, res, { target }).catch(failed);
    else failed();
  });
  endUnreadAnswers(server);
  server.on('upgrade', (req, socket, head) => {
    addAddress(req);
    const { searchParams } = new URL(req.url, 'http://localhost');
    const target = searchParams.has('sid') ? sticky(req) : next(realtime);
    socket.on('error', () => socket.destroy());
    if (target) proxy.ws(req, socket, { target }, head).catch(() => socket.destroy());
    else socket.destroy();
  });
  server.listen(PORT, '127.0.0.1');
  await once(server, 'listening').catch(({ code, message }) => {
    throw new Error(code === 'EADDRINUSE' ? `PORT: ${PORT} is in use by another program` : message);
  });
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { stop };
}

/**
 * Appends the client's address to its own header, as `$proxy_add_x_forwarded_for` does: nodes trust only the last
 * address.
 */
function addAddress({ headers, socket }) {
  // A disconnected client has no address.
  const address = socket.remoteAddress ?? 'unknown';
  const given = headers['x-forwarded-for'];
  headers['x-forwarded-for'] = given ? `${given}, ${address}` : address;
}

/** The path as the node reads it: `/%6Detrics` is `/metrics`. Empty when it is invalid. */
function pathOf({ url }) {
  try {
    return decodeURIComponent(url.split(/[?#;]/, 1)[0]);
  } catch {
    return '';
  }
}
