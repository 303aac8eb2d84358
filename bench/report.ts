import { cpus } from 'node:os';

/** For an even number of values, the upper of the middle two. */
export function median(values: number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** A Markdown table; columns after the first are right-aligned numbers. */
export function table(header: string[], rows: string[][]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length), 2));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** The number of cores that other processes use. Call it while nothing of the bench runs: it reveals noisy results. */
export async function foreignLoad(): Promise<number> {
  const busy = () =>
    cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const [before, start] = [busy(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return (busy() - before) / (performance.now() - start);
}

export function machine(loads: number[], postgres?: string): string {
  const cores = cpus();
  const parts = [
    `${cores[0]?.model ?? 'unknown CPU'}, ${cores.length} cores (${loads.map((load) => load.toFixed(1)).join(', then ')} of them busy with other work)`,
    `Node ${process.version}`,
  ];
  if (postgres) parts.push(`PostgreSQL ${postgres}, fsync on`);
  return parts.join('; ');
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function verdict(met: boolean): string {
  return met ? 'met' : 'MISSED';
}
