import { wholeReads, withPlans } from '#testing';

/** Enough rows that reading a whole table is a mistake. */
const FILL = [
  `INSERT INTO users (id, email, password_hash, name, handle)
   SELECT gen_random_uuid(), md5(i::text) || '@example.com', '', 'Somebody ' || i, 'somebody_' || i
   FROM generate_series(1, 20000) AS i`,
  `INSERT INTO reports (id, reporter_id, kind, target_id, against_id, reason, status)
   SELECT gen_random_uuid(), u.id, 'post', gen_random_uuid(), u.id, 'x',
     CASE WHEN k < 3 THEN 'open' ELSE 'resolved' END::report_status FROM users u, generate_series(1, 4) AS k`,
  `INSERT INTO sessions (id, user_id, expires_at, revoked_at)
   SELECT gen_random_uuid(), id, now() + interval '1 day', CASE WHEN k > 1 THEN now() END
   FROM users, generate_series(1, 5) AS k`,
  `INSERT INTO audit_entries (id, admin_id, action, target_id)
   SELECT gen_random_uuid(), id, 'user_banned', id FROM users`,
];

/** Also several words, short ones, parts of an e-mail address, and no letter at all. */
const SEARCHES = [
  ...['', 'c4ca4238a0', 'somebody_77', '@somebody_78', 'zz', 'z', '@example.com', '@z.io'],
  ...['qz c4ca4238a0', '%25'],
];

it('no admin request reads a whole table', () =>
  withPlans(FILL, async (app, plans) => {
    const [admin, user] = await app.people('Админ', 'Анна');
    await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
    const does = async (method: string, path: string, body?: object) => {
      const reply = await app.request<{ id: string }>(method, path, admin.token, body);
      expect([path, reply.status < 300]).toEqual([path, true]);
      return reply.body;
    };
    const report = { kind: 'user', target_id: user.id, reason: 'x' };
    const { id } = await does('POST', 'reports', report);
    await does('POST', 'reports', report);
    for (const query of ['', '&status=open', '&status=resolved'])
      await does('GET', `admin/reports?limit=5${query}`);
    await does('POST', `admin/reports/${id}/resolve`, { resolution: 'x' });
    for (const query of SEARCHES) await does('GET', `admin/users?limit=5&query=${query}`);
    await does('PATCH', `admin/users/${user.id}`, { role: 'admin' });
    await does('PATCH', `admin/users/${user.id}`, { role: 'user' });
    await does('POST', `admin/users/${user.id}/ban`);
    await does('POST', `admin/users/${user.id}/unban`);
    await does('GET', `admin/users/${user.id}/sessions`);
    await does('DELETE', `admin/users/${user.id}/sessions`);
    await does('GET', 'admin/audit?limit=5');
    const all = plans.join('\n');
    for (const index of [
      'reports_one_open_each',
      'reports_status_id_idx',
      'users_email_search_idx',
      'users_name_idx',
      'sessions_open_idx',
    ])
      expect(all).toContain(index);
    expect(all).not.toContain('sessions_user_id_id_idx');
    expect(wholeReads(plans, ['reports', 'audit_entries', 'users', 'sessions'])).toEqual([]);
  }));
