import { logger } from '#platform';
import { pino } from 'pino';

/** The lines that this process logs at `level` while `work` runs. */
export async function logOf(level: string, work: (lines: object[]) => Promise<void>): Promise<object[]> {
  const lines: object[] = [];
  const { level: before } = logger;
  const stream = (logger as unknown as Record<symbol, { write(line: string): void }>)[
    pino.symbols.streamSym
  ]!;
  const { write } = stream;
  logger.level = level;
  stream.write = (line) => void lines.push(JSON.parse(line) as object);
  try {
    await work(lines);
  } finally {
    stream.write = write;
    logger.level = before;
  }
  return lines;
}
