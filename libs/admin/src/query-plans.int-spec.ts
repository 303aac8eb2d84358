import { describePlans, FILL_USERS } from '#testing';

const FILL = [
  FILL_USERS,
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

describePlans('admin requests', FILL, [
  {
    title: 'read no whole table',
    uses: [
      ...['reports_one_open_each', 'reports_status_id_idx'],
      ...['users_email_search_idx', 'users_name_idx', 'sessions_open_idx'],
    ],
    avoids: ['sessions_user_id_id_idx'],
    async run({ app }) {
      const [admin, user] = await app.people('Админ', 'Анна');
      await app.rows(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
      const report = { kind: 'user', target_id: user.id, reason: 'x' };
      const { id } = await app.ask(admin, 'POST reports', report);
      await app.ask(admin, 'POST reports', report);
      for (const query of ['', '&status=open', '&status=resolved'])
        await app.ask(admin, `GET admin/reports?limit=5${query}`);
      await app.ask(admin, `POST admin/reports/${id}/resolve`, { resolution: 'x' });
      for (const query of SEARCHES) await app.ask(admin, `GET admin/users?limit=5&query=${query}`);
      await app.ask(admin, `PATCH admin/users/${user.id}`, { role: 'admin' });
      await app.ask(admin, `PATCH admin/users/${user.id}`, { role: 'user' });
      await app.ask(admin, `POST admin/users/${user.id}/ban`);
      await app.ask(admin, `POST admin/users/${user.id}/unban`);
      await app.ask(admin, `GET admin/users/${user.id}/sessions`);
      await app.ask(admin, `DELETE admin/users/${user.id}/sessions`);
      await app.ask(admin, 'GET admin/audit?limit=5');
    },
  },
]);
