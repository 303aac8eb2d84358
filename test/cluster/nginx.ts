import getPort from 'get-port';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithRedis, until } from '#testing';

/** Like `describeWithRedis`: skips the tests where nginx is not installed. */
export const describeWithNginx: typeof describeWithRedis = (...args) =>
  (spawnSync('nginx', ['-v']).status === 0 ? describeWithRedis : describe.skip)(...args);

/** The proxy of the compose file with its own configuration, in front of these nodes instead of the containers. */
export class Nginx {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly dir: string,
  ) {}

  /** @param believed the trusted proxies in front of it, as in `set_real_ip_from` */
  static async before(nodes: { url: string }[], believed = ''): Promise<Nginx> {
    const dir = await mkdtemp(join(tmpdir(), 'service-platform-nginx-'));
    // As root, its workers run as another user.
    await chmod(dir, 0o755);
    const port = await getPort({ host: '127.0.0.1' });
    const servers = nodes.map(({ url }) => `server ${new URL(url).host};`).join(' ');
    const parts = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = parts.map((part) => `${part}_temp_path ${dir}/${part};`).join(' ');
    const file = await readFile('deploy/nginx.conf', 'utf8');
    const settings = file
      // The names are those of the compose file and need its resolver.
      .replace(/server \w+:3000 resolve;/g, servers)
      .replace(/resolver .*;/, paths)
      .replace('real_ip_header', `${believed && `set_real_ip_from ${believed};`} real_ip_header`)
      .replace('listen 3000', `listen 127.0.0.1:${port}`);
    await writeFile(join(dir, 'nginx.conf'), settings);
    const own = `daemon off; pid ${dir}/pid;`;
    const child = spawn('nginx', ['-e', 'stderr', '-c', join(dir, 'nginx.conf'), '-g', own], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const nginx = new Nginx(`http://127.0.0.1:${port}`, child, dir);
    const answers = () => fetch(`${nginx.url}/health/ready`).then(({ ok }) => ok);
    await until('nginx answers', () => answers().catch(() => false));
    return nginx;
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill();
    await gone;
    await rm(this.dir, { recursive: true, force: true });
  }
}
