# syntax=docker/dockerfile:1
# Node.js's LTS 24, of which fixes come until April 2028. A tag and not a digest: each build has the fixes of that day, and
# the project's tests, which run without a registry of images, could read and try no digest. Where a build must be
# repeatable, pin it: docker buildx imagetools inspect node:24-bookworm-slim says what to put behind @sha256: here.
ARG NODE_IMAGE=node:24-bookworm-slim

# Builds with the compiler that better-sqlite3 may need, runs without it.
FROM ${NODE_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ make python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# By this project's own compilers: what is not in node_modules is not run, and never fetched.
RUN node_modules/.bin/tsc -p tsconfig.build.json && npm run --silent build:page
# Of better-sqlite3 only what runs: its sources and objects are five sixths of it.
RUN npm prune --omit=dev --ignore-scripts && cd node_modules/better-sqlite3 && mv build/Release/better_sqlite3.node /tmp && \
    rm -rf binding.gyp build deps src && mkdir -p build/Release && mv /tmp/better_sqlite3.node build/Release && \
    node -e "new (require('better-sqlite3'))(':memory:')"

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    DATABASE_URL=sqlite:/data/registry.db
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY migrations ./migrations
# `install` there copies the agent to a volume, for Nacos images, which have no Node.js.
COPY plugins ./plugins
# The group 0 too: OpenShift runs it as a user of its own choice, in that group.
RUN mkdir /data && chown node:0 /data && chmod 0770 /data
USER node
VOLUME /data
EXPOSE 8080
# Readiness, not liveness: a container whose store is down still serves its lists (200), see docs/failures.md. It asks where HOST and
# PORT say, so set those and not --host and --port.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "dist/src/healthcheck.js"]
# Node is PID 1 and handles SIGTERM and SIGINT itself; no shell in between.
ENTRYPOINT ["node", "dist/src/cli.js"]
CMD ["serve"]
