import { TestApp, until } from '#testing';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Nginx, describeWithNginx } from '../cluster/nginx.js';

describeWithNginx('behind the proxy of the compose file', () => {
  let app: TestApp;
  let nginx: Nginx;
  beforeAll(async () => {
    app = await TestApp.start({ TRUSTED_PROXIES: '1' });
    nginx = await Nginx.before([app]);
  });
  afterAll(async () => {
    await nginx.stop();
    await app.stop();
  });

  it.each(['/api/v2/auth/login', '/socket.io/?EIO=4&transport=polling'])(
    'a body for %s that arrives a byte a second ends its connection',
    async (path) => {
      const { hostname, port } = new URL(nginx.url);
      const client = connect(Number(port), hostname).on('error', () => {});
      await once(client, 'connect');
      client.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{`,
      );
      const drip = setInterval(() => client.write(' '), 1000);
      await until('ended', () => client.resume().closed, 45_000).finally(() => {
        clearInterval(drip);
        client.destroy();
      });
      expect((await fetch(`${nginx.url}/health/ready`)).status).toBe(200);
    },
  );
});
