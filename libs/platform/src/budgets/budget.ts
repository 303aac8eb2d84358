import { Config } from '../config.js';

type Setting = {
  [K in keyof Config]-?: Config[K] extends number ? K : never;
}[keyof Config];

/** A bound of something that a client can make a process hold or do. docs/limits.md has a row for each. */
export interface Budget<Most = unknown> {
  /** The thing that is bounded. */
  readonly of: string;
  readonly most: Most;
  /** `most` in words. */
  readonly shown: string;
  /** The environment variable that it follows. */
  readonly setting: string;
  /** What a client is answered, or what else is done, beyond it. */
  readonly beyond: string;
  /** Its label in `budget_refusals_total`. */
  readonly refused?: string;
  /** Another metric that counts it. */
  readonly metric?: string;
}

/** How often something may be done. */
export interface Rate extends Budget {
  /** Counted by each node for itself. */
  readonly isOfNode: boolean;
  /** So many points in a window of so many seconds. */
  points(config: Config): number;
  seconds(config: Config): number;
}

type AnnouncedBudget = Pick<Budget, 'of' | 'beyond' | 'refused' | 'metric'>;

const grouped = new Intl.NumberFormat('en-US');
/** Numbers, one after the other. */
export const counts = (most: unknown): string =>
  typeof most === 'number'
    ? grouped.format(most)
    : Object.values(most as object)
        .map((one) => counts(one))
        .join(', ');

const MINUTE_MS = 60_000;
const timeUnits = [
  [MINUTE_MS, 'min'],
  [1000, 's'],
  [1, 'ms'],
] as const;
export const time = (ms: number): string => inUnits(ms, timeUnits);

const byteUnits = [
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
  [1, 'bytes'],
] as const;
export const bytes = (most: number): string => inUnits(most, byteUnits);

/** In the largest unit that divides it. */
const inUnits = (most: number, units: readonly (readonly [size: number, name: string])[]): string => {
  const [size, name] = units.find(([one]) => most % one === 0)!;
  return `${counts(most / size)} ${name}`;
};

/** @param row.shown how `most` is written; numbers one after the other by default */
export function budget<Most>({
  shown = counts,
  ...row
}: AnnouncedBudget & { most: Most; shown?: (most: Most) => string }): Budget<Most> {
  return { ...row, shown: shown(row.most), setting: '' };
}

/** A bound that is a setting itself. Its default is shown. */
export function settingOf({
  setting,
  shown = counts,
  ...row
}: AnnouncedBudget & { setting: Setting; shown?: (most: number) => string }): Budget<Setting> {
  return { ...row, most: setting, shown: shown(new Config()[setting]), setting: `\`${setting}\`` };
}

export const SECOND = 1;
export const MINUTE = 60;
export const HOUR = 3600;
export const DAY = 24 * HOUR;
const UNITS = new Map([
  [SECOND, 'second'],
  [MINUTE, 'minute'],
  [HOUR, 'hour'],
  [DAY, 'day'],
]);

/** `times` × the setting in a window of `seconds`. */
export function rate({
  setting,
  times = 1,
  seconds,
  beyond = '`RATE_LIMIT`',
  isOfNode = false,
  ...row
}: Partial<AnnouncedBudget> & {
  of: string;
  setting: Setting;
  times?: number;
  seconds: number;
  isOfNode?: boolean;
}): Rate {
  const points = (config: Config) => Math.ceil(config[setting] * times);
  const most = points(new Config());
  const unit = UNITS.get(seconds);
  // A longer window than the unit lets as much come at once.
  const shown = unit
    ? `${counts(most)} ${unit === 'hour' ? 'an' : 'a'} ${unit}`
    : `${counts(most / seconds)} a second, ${counts(most)} at once`;
  const factor = unit ? times : times / seconds;
  return {
    ...row,
    beyond,
    isOfNode,
    most,
    shown,
    setting: `${factor > 1 ? `${factor} × ` : ''}\`${setting}\`${factor < 1 ? ` / ${1 / factor}` : ''}`,
    points,
    seconds: () => seconds,
  };
}

export const isRate = (one: Budget): one is Rate => 'points' in one;
