import { newId, PrismaService } from '#platform';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { handleFrom } from '../handle.js';
import { hashPassword } from '../passwords.js';

const PASSWORD = 'demo-password';

const ACCOUNTS = [
  { email: 'anna@example.com', name: 'Анна Иванова', isMaster: true, role: 'user' },
  { email: 'boris@example.com', name: 'Борис', isMaster: false, role: 'user' },
  { email: 'vera@example.com', name: 'Вера Соколова', isMaster: true, role: 'user' },
  { email: 'admin@example.com', name: 'Админ', isMaster: false, role: 'admin' },
] as const;

/** Serialises starts; any number that nothing else locks. */
const LOCK = 4_201_913_007;

/** An account that a newcomer may sign in with. */
export interface DemoAccount {
  id: string;
  email: string;
  name: string;
  role: 'user' | 'admin';
  password: string;
}

/** Makes the demo accounts in an empty database; answers those that there are, from now or from before. */
export class CreateDemoAccounts extends Command<DemoAccount[]> {}

@CommandHandler(CreateDemoAccounts)
export class CreateDemoAccountsHandler implements ICommandHandler<CreateDemoAccounts> {
  constructor(private readonly prisma: PrismaService) {}

  execute(): Promise<DemoAccount[]> {
    return this.prisma.$transaction(async (tx) => {
      // Two starts at once: the second waits, and then finds the first one's accounts.
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`;
      if (!(await tx.user.findFirst({ select: { id: true } }))) {
        // So that the limits of an account's first day are over.
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
      const found = await tx.user.findMany({ where: { email: { in: ACCOUNTS.map(({ email }) => email) } } });
      return ACCOUNTS.flatMap(({ email }) => {
        const user = found.find((candidate) => candidate.email === email);
        return user ? [{ id: user.id, email, name: user.name, role: user.role, password: PASSWORD }] : [];
      });
    });
  }
}
