import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';
import { readSchema } from './migrations.js';

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;

const CHARACTERS = new Set(['constraint_type', 'confdeltype', 'confupdtype']);

/** Fixes two differences between the engine and the adapter. */
function agree(adapter: Adapter, pool: pg.Pool): Adapter {
  // The adapter splits a script at every semicolon, even inside function bodies. So it is sent whole.
  adapter.executeScript = async (script) =>
    void (await pool.query(script).catch((e) => adapter['onError'](e)));

  // The engine reads three columns of the catalogue as single characters, a type that the adapter does not know.
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const sql = query.sql
      .replace('constr.contype AS', 'constr.contype::text AS')
      .replace(/\bcon\.(conf(?:del|upd)type),/g, 'con.$1::text AS $1,');
    const result = await queryRaw({ ...query, sql });
    result.columnNames.forEach((name, column) => {
      if (CHARACTERS.has(name)) result.columnTypes[column] = ColumnTypeEnum.Character;
    });
    return result;
  };
  return adapter;
}

/** The connections of the migration engine. Its scratch database is separate, and is dropped afterwards. */
class MigrationAdapter extends PrismaPg {
  constructor(private readonly pool: pg.Pool) {
    super(pool);
  }

  override async connect(): Promise<Adapter> {
    return agree(await super.connect(), this.pool);
  }

  override async connectToShadowDb(): Promise<Adapter> {
    const name = `schema_diff_${crypto.randomUUID()}`;
    await this.pool.query(`CREATE DATABASE "${name}"`);
    const url = new URL(this.pool.options.connectionString ?? '');
    url.pathname = name;
    const pool = new pg.Pool({ connectionString: url.href });
    const adapter = agree(await new PrismaPg(pool).connect(), pool);
    adapter.dispose = async () => {
      await pool.end();
      await this.pool.query(`DROP DATABASE "${name}" WITH (FORCE)`);
    };
    return adapter;
  }
}

/**
 * Runs Prisma's migration engine from its WebAssembly build: the CLI would download a binary. Leaves no connection
 * open.
 */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  use: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const factory = bindMigrationAwareSqlAdapterFactory(new MigrationAdapter(pool));
  try {
    const { SchemaEngine } = await (engineModule ??= loadEngine());
    // The engine needs the schema even to apply migrations.
    const datamodels = (await readSchema()).map(({ path, content }): [string, string] => [path, content]);
    const engine = await SchemaEngine.new({ datamodels }, () => undefined, factory);
    try {
      return await use(engine);
    } finally {
      engine.free();
    }
  } finally {
    await pool.end();
  }
}

type Engine = typeof import('@prisma/schema-engine-wasm');
type Exports = Record<string, unknown>;

/** Node has it, but the type declarations of the language without a browser do not. */
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Exports } }>;
};

/** Loaded once, since its JavaScript side supports only one instance. */
let engineModule: Promise<Engine> | undefined;

async function loadEngine(): Promise<Engine> {
  // The engine writes the reason of a crash here.
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: console.error } });
  const name = '@prisma/schema-engine-wasm/schema_engine_bg';
  const engine = (await import(name)) as Engine & { __wbg_set_wasm(exports: Exports): void };
  const code = await readFile(fileURLToPath(import.meta.resolve(name)).replace(/\.js$/, '.wasm'));
  const imports: Record<string, unknown> = { ...engine };
  // The engine's timeouts continue after its work is done; they must not keep the process alive.
  for (const name of Object.keys(imports).filter((name) => name.startsWith('__wbg_setTimeout_')))
    imports[name] = (expire: () => void, ms: number) => setTimeout(expire, ms).unref();
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': imports });
  engine.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return engine;
}
