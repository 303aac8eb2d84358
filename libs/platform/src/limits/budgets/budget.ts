import { MINUTE_MS } from '#contracts';
import { Config } from '../../config/config.js';

type Setting = {
  [K in keyof Config]-?: Config[K] extends number ? K : never;
}[keyof Config];

/** Limits the memory or the work that clients can demand. docs/limits.md has a row for each. */
export interface Budget<Most = unknown> {
  /** The bounded resource. */
  readonly of: string;
  readonly most: Most;
  /** `most` in words. */
  readonly shown: string;
  /** The environment variable that sets it. */
  readonly setting: string;
  /** The answer to a client beyond the limit, or another consequence. */
  readonly beyond: string;
  /** Its label in `budget_refusals_total`. */
  readonly refused?: string;
  /** Another metric that counts it. */
  readonly metric?: string;
}

/** Limits how often an action may happen. */
export interface Rate extends Budget {
  /** Each node counts it alone. */
  readonly isOfNode: boolean;
  /** Allows this many points in a window of `seconds`. */
  points(config: Config): number;
  seconds(config: Config): number;
}

type AnnouncedBudget = Pick<Budget, 'of' | 'beyond' | 'refused' | 'metric'>;

const grouped = new Intl.NumberFormat('en-US');
/** Numbers, separated by commas. */
export const counts = (most: unknown): string =>
  typeof most === 'number'
    ? grouped.format(most)
    : Object.values(most as object)
        .map((one) => counts(one))
        .join(', ');

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

/** @param row.shown formats `most`; by default its numbers, separated by commas */
export function budget<Most>({
  shown = counts,
  ...row
}: AnnouncedBudget & { most: Most; shown?: (most: Most) => string }): Budget<Most> {
  return { ...row, shown: shown(row.most), setting: '' };
}

/** A budget whose limit is a setting. `shown` is the default of the setting. */
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

/** Allows `times` × the setting in a window of `seconds`. */
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
  // A window without a unit allows all its points at once.
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
