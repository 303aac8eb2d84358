import { newId, PrismaService, type Prisma } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomBytes } from 'node:crypto';
import { revokeSessions } from '../moderation/admin-steps.js';
import { handleFrom } from '../accounts/handle.js';
import { composed, hashPassword, isPassword } from '../sessions/passwords.js';

const PASSWORD = 'demo-password';

const ACCOUNTS = [
  { email: 'anna@example.com', name: 'Анна Иванова', isMaster: true, role: 'user' },
  { email: 'boris@example.com', name: 'Борис', isMaster: false, role: 'user' },
  { email: 'vera@example.com', name: 'Вера Соколова', isMaster: true, role: 'user' },
  { email: 'admin@example.com', name: 'Админ', isMaster: false, role: 'admin' },
] as const;

/** Whether they are the public credentials of a demo account. */
export const arePublic = ({ email, password }: { email: string; password: string }): boolean =>
  composed(password) === PASSWORD && ACCOUNTS.some((account) => account.email === email);

/** Serializes concurrent starts. Nothing else locks this number. */
const LOCK = 4_201_913_007;

/** A demo account. */
export interface DemoAccount {
  id: string;
  email: string;
  name: string;
  role: 'user' | 'admin';
  /** Undefined when it is not the default password: it was answered before, or its user has changed it. */
  password?: string;
}

/**
 * Creates the demo accounts in an empty database. Answers all that exist, including earlier ones. When other machines
 * can reach the server, no account keeps the public default password. It is replaced by a random one, which is answered
 * only this once, and the account's sessions end.
 */
export class CreateDemoAccounts extends Command<DemoAccount[]> {
  constructor(readonly isReachable: boolean) {
    super();
  }
}

@CommandHandler(CreateDemoAccounts)
export class CreateDemoAccountsHandler implements ICommandHandler<CreateDemoAccounts> {
  constructor(private readonly prisma: PrismaService) {}

  execute({ isReachable: isReachable }: CreateDemoAccounts): Promise<DemoAccount[]> {
    return this.prisma.$transaction(async (tx) => {
      // The second of two concurrent starts waits and then finds the first one's accounts.
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`;
      if (!(await tx.user.findFirst({ select: { id: true } }))) await make(tx);
      const found = await tx.user.findMany({ where: { email: { in: ACCOUNTS.map(({ email }) => email) } } });
      const accounts: DemoAccount[] = [];
      for (const { email } of ACCOUNTS) {
        const user = found.find((candidate) => candidate.email === email);
        if (!user) continue;
        const { id, name, role, passwordHash } = user;
        let password = (await isPassword(passwordHash, PASSWORD)) ? PASSWORD : undefined;
        if (password && isReachable) password = await replacePassword(tx, id);
        accounts.push({ id, email, name, role, ...(password && { password }) });
      }
      return accounts;
    });
  }
}

async function make(tx: Prisma.TransactionClient): Promise<void> {
  // The limits of an account's first day must not apply.
  const createdAt = new Date(Date.now() - 2 * 24 * 3600_000);
  const passwordHash = await hashPassword(PASSWORD);
  await tx.user.createMany({
    data: ACCOUNTS.map((account) => ({
      ...account,
      id: newId(),
      handle: handleFrom(account.name),
      passwordHash,
      createdAt,
    })),
  });
}

/** Also ends the sessions that were opened with the old password. @returns the new password */
async function replacePassword(tx: Prisma.TransactionClient, id: string): Promise<string> {
  const password = randomBytes(12).toString('base64url');
  await tx.user.update({ where: { id }, data: { passwordHash: await hashPassword(password) } });
  await revokeSessions(tx, id);
  return password;
}
