import type { ReportCaseDto, ReportDto } from '#contracts';
import { PERSON_COLUMNS, toPerson } from '#identity';
import type { Prisma } from '#platform';

const PERSON = { select: PERSON_COLUMNS } as const satisfies Prisma.UserDefaultArgs;

export const REPORT_CASE = {
  include: { reporter: PERSON, against: PERSON, resolvedBy: PERSON },
} as const satisfies Prisma.ReportDefaultArgs;

type CaseRow = Prisma.ReportGetPayload<typeof REPORT_CASE>;
type ReportRow = Omit<CaseRow, 'reporter' | 'against' | 'resolvedBy'>;

export const toReport = (row: ReportRow): ReportDto => ({
  id: row.id,
  kind: row.kind,
  target_id: row.targetId,
  reason: row.reason,
  status: row.status,
  created_at: row.createdAt.toISOString(),
});

export const toCase = (row: CaseRow): ReportCaseDto => ({
  ...toReport(row),
  reporter: toPerson(row.reporter),
  against: toPerson(row.against),
  content: row.content,
  resolved_by: row.resolvedBy && toPerson(row.resolvedBy),
  resolved_at: row.resolvedAt?.toISOString() ?? null,
  resolution: row.resolution,
});
